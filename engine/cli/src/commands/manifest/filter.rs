//! A filter from the command line.

use std::collections::BTreeMap;

use jiff::Timestamp;
use longshore_job::filter::{Filter, Size, Wanted};

use crate::failure::CliError;

/// Which objects. An object passes if it meets every condition; a condition that is given several times is met by one of its values.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Conditions")]
pub(crate) struct FilterArguments {
    /// The key begins so; only such keys are listed
    #[arg(long, value_name = "TEXT")]
    prefix: Vec<String>,
    /// The key ends so
    #[arg(long, value_name = "TEXT")]
    suffix: Vec<String>,
    /// The key contains this
    #[arg(long, value_name = "TEXT")]
    substring: Vec<String>,
    /// The whole key matches: * any text without a slash, ** any text, ? one character, [a-z] one of these
    #[arg(long, value_name = "PATTERN")]
    glob: Vec<String>,
    /// The key contains a match of this regular expression
    #[arg(long, value_name = "PATTERN")]
    regex: Option<String>,
    /// More bytes than this: a number, or with a unit, such as '10 MiB'
    #[arg(long, value_name = "SIZE")]
    larger_than: Option<String>,
    /// Fewer bytes than this
    #[arg(long, value_name = "SIZE")]
    smaller_than: Option<String>,
    /// Last written after this date or RFC 3339 time
    #[arg(long, value_name = "TIME")]
    created_after: Option<String>,
    /// Last written before this date or RFC 3339 time
    #[arg(long, value_name = "TIME")]
    created_before: Option<String>,
    /// Last written longer ago than this, such as 90d
    #[arg(long, value_name = "AGE")]
    older_than: Option<String>,
    /// Last written less long ago than this
    #[arg(long, value_name = "AGE")]
    newer_than: Option<String>,
    /// The storage class
    #[arg(long, value_name = "CLASS")]
    storage_class: Vec<String>,
    /// Has this tag; each one given must be there. One GetObjectTagging for each object that meets the other conditions
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    tag: Vec<(String, String)>,
    /// A CEL expression that must be true, such as "size > 10 * MiB && key.endsWith('.log')"
    #[arg(long, value_name = "CEL")]
    expression: Option<String>,
    /// Further conditions as 'where' in a job file has them: TOML, or @FILE
    #[arg(long = "where", value_name = "TOML")]
    toml: Option<String>,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| "write KEY=VALUE".to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

impl FilterArguments {
    /// The filter that they make together.
    pub(crate) fn into_filter(self) -> Result<Filter, CliError> {
        let further = self.toml.as_deref().map(further).transpose()?;
        let own = Filter {
            prefixes: self.prefix,
            suffixes: self.suffix,
            substrings: self.substring,
            glob: self.glob,
            regex: self.regex,
            size_greater_than: self.larger_than.map(Size::Text),
            size_less_than: self.smaller_than.map(Size::Text),
            created_after: self.created_after,
            created_before: self.created_before,
            older_than: self.older_than,
            newer_than: self.newer_than,
            storage_classes: self.storage_class,
            tags: tags(self.tag)?,
            expression: self.expression,
            ..Filter::default()
        };
        let filter = match further {
            Some(further) if own.is_empty() => further,
            Some(further) => Filter { all: vec![further], ..own },
            None => own,
        };
        // What cannot be understood is said before anything is listed.
        filter.compile(Timestamp::now()).map_err(CliError::input)?;
        Ok(filter)
    }
}

/// The filter of `--where`.
pub(super) fn further(text: &str) -> Result<Filter, CliError> {
    let Some(file) = text.strip_prefix('@') else { return Ok(Filter::parse(text, "--where")?) };
    let source = std::fs::read_to_string(file)
        .map_err(|error| CliError::input(format!("--where @{file}: cannot read the filter: {error}")))?;
    Ok(Filter::parse(&source, file)?)
}

fn tags(pairs: Vec<(String, String)>) -> Result<BTreeMap<String, Wanted>, CliError> {
    let mut tags = BTreeMap::new();
    for (key, value) in pairs {
        if tags.insert(key.clone(), Wanted::Value(value)).is_some() {
            return Err(CliError::input(format!(
                "--tag {key}: an object has one value for a tag; alternatives: --where 'tags = {{ \"{key}\" = [\"a\", \"b\"] }}'"
            )));
        }
    }
    Ok(tags)
}
