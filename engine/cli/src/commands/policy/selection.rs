//! Which rows of a manifest a command looks at.

use longshore_runner::{MAX_SAMPLE, Selection};

/// Options that choose rows.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Selected {
    /// Look at N rows, taken at random from the whole manifest, the same ones each time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_SAMPLE as u64))]
    sample: Option<u64>,
    /// Look at every row
    #[arg(long, conflicts_with = "sample")]
    all: bool,
}

impl Selected {
    /// What was chosen, or else a sample of `size` rows.
    pub(crate) fn or_sample(self, size: usize) -> Selection {
        match (self.all, self.sample) {
            (true, _) => Selection::All,
            (false, None) => Selection::Sample(size),
            (false, Some(size)) => Selection::Sample(usize::try_from(size).unwrap_or(MAX_SAMPLE)),
        }
    }

    /// What was chosen, or else every row.
    pub(crate) fn or_all(self) -> Selection {
        if self.sample.is_none() { Selection::All } else { self.or_sample(MAX_SAMPLE) }
    }
}
