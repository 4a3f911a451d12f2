//! The key space of a bucket, divided into ranges that are listed at the same time.
//!
//! The ranges never overlap and together are everything, whatever keys there are and whenever a range is divided: a division moves
//! the end of a range and makes a new range of what lay behind, in one step. What a listing brings from beyond the end is not
//! its own any more.

use super::Position;
use super::list_file::Chain;
use super::split::between;

/// Entries that must seem to be left before a range is divided (entries): one page, or the division only costs a request.
const WORTH_DIVIDING: f64 = 1000.0;

/// Guesses that may turn out empty before each further one must be paid for by a page with entries (requests). Finding the end of
/// keys of 1,024 characters takes about half as many.
const FREE_GUESSES: u64 = 64;

/// Names a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RangeId(usize);

/// What a listing has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Whose it is.
    pub range: RangeId,
    /// Index of the prefix that is listed.
    pub prefix: usize,
    /// Where it goes on.
    pub from: Position,
}

/// What became of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Entries up to this key belong to the range; behind it they are another's. `None`: all of them do.
    pub through: Option<String>,
    /// Where the listing stands now; `None` at the end of the prefix.
    pub to: Option<Position>,
    /// Whether the range is done.
    pub done: bool,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum State {
    Waiting,
    Active,
    Done,
}

#[derive(Debug)]
struct Range {
    prefix: usize,
    /// The first key that was found.
    first: Option<String>,
    at: Position,
    /// The last key that may belong to it; `None` up to the end of the prefix.
    through: Option<String>,
    state: State,
    /// Entries found so far.
    found: u64,
    /// Whether more pages follow: false before the first.
    more: bool,
    /// The range that this one was taken from.
    parent: Option<usize>,
    /// Whether nothing was found in what was last taken from it.
    taken_in_vain: bool,
}

/// The key space below some prefixes.
#[derive(Debug)]
pub struct Space {
    ranges: Vec<Range>,
    guesses_in_vain: u64,
    pages: u64,
    /// [`WORTH_DIVIDING`], but in tests.
    worth_dividing: f64,
}

impl Space {
    /// All keys below `prefixes` prefixes, but for what `covered` covers.
    pub(super) fn without(prefixes: usize, covered: &[Chain]) -> Self {
        let mut space =
            Self { ranges: Vec::new(), guesses_in_vain: 0, pages: 0, worth_dividing: WORTH_DIVIDING };
        for prefix in 0..prefixes {
            // Chains are in order, so each gap lies before the next one.
            let mut at = Some(Position::default());
            for chain in covered.iter().filter(|chain| chain.prefix == prefix) {
                if let Some(from) = at.take()
                    && from != chain.from
                {
                    space.add(prefix, from, chain.from.key.clone());
                }
                at.clone_from(&chain.to);
            }
            if let Some(from) = at {
                space.add(prefix, from, None);
            }
        }
        space
    }

    fn add(&mut self, prefix: usize, at: Position, through: Option<String>) {
        self.ranges.push(Range {
            prefix,
            first: None,
            at,
            through,
            state: State::Waiting,
            found: 0,
            more: false,
            parent: None,
            taken_in_vain: false,
        });
    }

    /// Whether every range is done.
    pub fn is_done(&self) -> bool {
        self.ranges.iter().all(|range| range.state == State::Done)
    }

    /// Something to list, if there is anything: a range that nobody works on, or half of what is left of the largest one.
    pub fn take(&mut self) -> Option<Stretch> {
        let waiting = self.ranges.iter().position(|range| range.state == State::Waiting);
        let index = waiting.or_else(|| self.divide())?;
        self.ranges.get_mut(index)?.state = State::Active;
        self.stretch(RangeId(index))
    }

    /// How `range` goes on; `None` once it is done.
    pub fn stretch(&self, range: RangeId) -> Option<Stretch> {
        let found = self.ranges.get(range.0).filter(|range| range.state != State::Done)?;
        Some(Stretch { range, prefix: found.prefix, from: found.at.clone() })
    }

    /// Takes note of a page of `range`: `entries` entries, the first of which has the key `first`; then the listing goes on at `next` or
    /// has reached the end of the prefix.
    pub fn accept(
        &mut self,
        id: RangeId,
        entries: u64,
        first: Option<&str>,
        next: Option<Position>,
    ) -> Option<Accepted> {
        self.pages += u64::from(entries > 0);
        let range = self.ranges.get_mut(id.0)?;
        if range.first.is_none() {
            range.first = first.map(str::to_owned);
        }
        let through = range.through.clone();
        let beyond = |next: &Position| match (&through, &next.key) {
            // Inside a key there is more of that key to come.
            (Some(through), Some(key)) => key > through || (key == through && next.version_id.is_none()),
            _ => false,
        };
        let next = next.filter(|next| !beyond(next));
        range.found += entries;
        range.more = next.is_some();
        let to = match next {
            Some(next) => {
                range.at = next.clone();
                Some(next)
            }
            None => {
                range.state = State::Done;
                through.clone().map(Position::after)
            }
        };
        let (done, parent, in_vain) = (range.state == State::Done, range.parent, range.found == 0);
        if let Some(parent) = parent.and_then(|parent| self.ranges.get_mut(parent)) {
            parent.taken_in_vain = in_vain;
        }
        self.guesses_in_vain += u64::from(done && in_vain && parent.is_some());
        Some(Accepted { through, to, done })
    }

    /// Divides the range that seems to have the most left; the new range is at the end of the list.
    fn divide(&mut self) -> Option<usize> {
        if self.guesses_in_vain > FREE_GUESSES + self.pages {
            return None;
        }
        let left =
            |range: &Range| if range.state == State::Active && range.more { range.left() } else { 0.0 };
        let (index, _) = self
            .ranges
            .iter()
            .enumerate()
            .map(|(index, range)| (index, left(range)))
            .filter(|(_, left)| *left >= self.worth_dividing)
            .max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let range = self.ranges.get_mut(index)?;
        let after = range.at.key.as_deref()?;
        let first = range.first.as_deref().unwrap_or(after);
        let guess = between(first, after, range.through.as_deref(), range.taken_in_vain)?;
        let (prefix, through) = (range.prefix, range.through.replace(guess.clone()));
        // Until the half that was taken shows otherwise, the next guess goes deeper.
        range.taken_in_vain = true;
        self.add(prefix, Position::after(guess), through);
        let new = self.ranges.len().checked_sub(1)?;
        self.ranges.get_mut(new)?.parent = Some(index);
        Some(new)
    }
}

impl Range {
    /// How many entries seem to be left, if keys are spread evenly.
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    fn left(&self) -> f64 {
        let Some(through) = &self.through else { return f64::INFINITY };
        let first = self.first.as_deref().unwrap_or_default();
        let common = first.bytes().zip(through.bytes()).take_while(|(a, b)| a == b).count();
        let place = |text: &str| {
            let bytes = text.as_bytes().get(common..).unwrap_or_default();
            let scaled = bytes
                .iter()
                .take(8)
                .fold((0.0, 1.0), |(sum, unit), byte| (sum + f64::from(*byte) * unit / 256.0, unit / 256.0));
            scaled.0
        };
        let (from, at, to) = (place(first), place(self.at.key.as_deref().unwrap_or(first)), place(through));
        let (walked, ahead) = (at - from, to - at);
        if ahead <= 0.0 {
            return 0.0;
        }
        if walked <= 0.0 { f64::MAX } else { self.found as f64 * ahead / walked }
    }
}

#[cfg(test)]
#[path = "space_tests.rs"]
mod tests;
