//! How an ordered walk over keys becomes a page of a listing: prefix, delimiter, marker and page size.
//!
//! Rules: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>. Keys are ordered by their UTF-8 bytes.

/// Entries of one page; S3's limit and default.
pub(crate) const MAX_KEYS: i32 = 1000;

/// What to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    /// Only keys that start with this.
    pub(crate) prefix: String,
    /// Keys that share what is before this string (after the prefix) are rolled up; never empty.
    pub(crate) delimiter: Option<String>,
    /// Only entries behind this one.
    pub(crate) after: Option<String>,
    /// Entries of the page.
    pub(crate) max_keys: usize,
}

impl Query {
    /// The least key, as bytes, that can belong to the page.
    pub(crate) fn first_key(&self) -> Vec<u8> {
        let after = self.after.as_deref().map(|after| [after.as_bytes(), &[0]].concat());
        after.unwrap_or_default().max(self.prefix.as_bytes().to_vec())
    }
}

/// One page of a listing.
#[derive(Debug)]
pub(crate) struct Page<T> {
    /// The keys (or versions) that are not rolled up, in order.
    pub(crate) items: Vec<T>,
    /// The common prefixes, in order.
    pub(crate) prefixes: Vec<String>,
    /// Whether there is more behind the page.
    pub(crate) truncated: bool,
    /// The last key or common prefix of the page.
    pub(crate) last: Option<String>,
}

/// What the walk has to do after a key was offered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Offer the key that follows.
    Continue,
    /// Go on at this key (bytes): everything before belongs to a common prefix already in the page.
    SeekTo(Vec<u8>),
    /// The page is complete.
    Stop,
}

/// Gathers a page from keys offered in order, from [`Query::first_key`] on.
#[derive(Debug)]
pub(crate) struct Collector<'q, T> {
    query: &'q Query,
    page: Page<T>,
}

impl<'q, T> Collector<'q, T> {
    /// An empty page.
    pub(crate) fn new(query: &'q Query) -> Self {
        Self { query, page: Page { items: Vec::new(), prefixes: Vec::new(), truncated: false, last: None } }
    }

    /// Takes a key with what to show for it, unless it belongs to a common prefix or behind the page.
    pub(crate) fn offer(&mut self, key: &str, item: impl FnOnce() -> T) -> Next {
        if !key.starts_with(&self.query.prefix) {
            return Next::Stop;
        }
        let common = self.common_prefix(key);
        if let (Some(common), Some(after)) = (common, self.query.after.as_deref())
            && common <= after
        {
            // Rolled up on an earlier page.
            return Next::SeekTo(successor(common));
        }
        if self.page.items.len() + self.page.prefixes.len() >= self.query.max_keys {
            // A page of no entries asks for nothing, so nothing is left out of it.
            self.page.truncated = self.query.max_keys > 0;
            return Next::Stop;
        }
        match common {
            Some(common) => {
                self.page.prefixes.push(common.to_owned());
                self.page.last = Some(common.to_owned());
                Next::SeekTo(successor(common))
            }
            None => {
                self.page.items.push(item());
                self.page.last = Some(key.to_owned());
                Next::Continue
            }
        }
    }

    /// The page gathered so far.
    pub(crate) fn finish(self) -> Page<T> {
        self.page
    }

    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.query.delimiter.as_deref()?;
        let rest = key.get(self.query.prefix.len()..)?;
        let end = self.query.prefix.len() + rest.find(delimiter)? + delimiter.len();
        key.get(..end)
    }
}

/// The least byte string greater than every string that starts with `prefix`.
fn successor(prefix: &str) -> Vec<u8> {
    // UTF-8 has no byte 0xFF, so the last byte can always be raised.
    let mut bytes = prefix.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    bytes
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
