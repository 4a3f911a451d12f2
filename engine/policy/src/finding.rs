//! What the loader says about a policy file: errors `L…`, which refuse the file, and warnings `W…`.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The rule that a finding is about. `L` codes are errors, `W` codes are warnings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, errors first.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it is written in messages: `L5`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

codes! {
    /// Not JSON, not an object, unknown element name, wrong JSON type, or a name repeated in one object.
    L1,
    /// `Version` is neither 2012-10-17 nor 2008-10-17, `Statement` is missing, or `Effect` is not `Allow` or `Deny`.
    L2,
    /// Both or neither of `Action` and `NotAction`, or of `Resource` and `NotResource`; both of `Principal` and
    /// `NotPrincipal`.
    L3,
    /// A principal where the policy type has none, none where it needs one, or a resource control policy that does
    /// anything but deny everyone.
    L4,
    /// An action that is not `*` or `service:Name`.
    L5,
    /// A resource that is neither `*` nor an ARN of six fields.
    L6,
    /// A principal that cannot be anyone: wildcards inside it, an account id that is not 12 digits, an unknown form.
    L7,
    /// An unknown condition operator, or `Null` with `IfExists` or a set qualifier.
    L8,
    /// A condition value that its operator cannot read.
    L9,
    /// The same condition key twice under one operator.
    L10,
    /// More than one value for `Bool`; a set operator on a single-valued key, or a plain one on a multivalued key.
    L11,
    /// A malformed policy variable, or one where none is allowed.
    L12,
    /// An empty list.
    L13,
    /// `Allow` with `NotPrincipal`, a repeated `Sid`, or a `Sid` with characters outside `A-Z a-z 0-9`.
    L14,
    /// Larger than a limit.
    L15,
    /// `*` or `?` in a string operator that compares literally.
    W1,
    /// No `Version`: the document behaves as 2008-10-17, without variables.
    W2,
    /// `ForAllValues` in an Allow without `Null: false` on the same key: true also when the key is absent.
    W3,
    /// An action that matches no known action of its service.
    W4,
    /// A condition key that none of the statement's known actions supply.
    W5,
    /// A bucket pattern that ends in `*` without a `/`: matches the bucket, its objects and other buckets.
    W6,
    /// `${` in a document of version 2008-10-17: literal text.
    W7,
    /// An operator name in unusual case.
    W8,
    /// A character that IAM documents cannot hold (above U+00FF).
    W9,
    /// A principal that no request here can have: a web identity or a canonical user.
    W10,
    /// `NotPrincipal` spares a user or session, but not its account.
    W11,
}

impl Code {
    /// Whether a finding with this code refuses the document.
    pub fn is_error(self) -> bool {
        self <= Self::L15
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One thing found in a policy file, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule.
    pub code: Code,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters (Unicode scalar values), from 1.
    pub column: u32,
    /// The same place in bytes from the beginning of the text.
    pub offset: usize,
    /// What is wrong and why it matters.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.line, self.column, self.code, self.message)?;
        match &self.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}
