//! A Lambda function by its ARN.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A Lambda function, or one of its versions or aliases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    /// `arn:aws:lambda:eu-central-1:111122223333:function:resize:7`.
    pub(super) arn: String,
    pub(super) region: String,
    pub(super) account: String,
    partition: String,
    name: String,
    qualifier: Option<String>,
}

impl Function {
    /// `None` if `arn` is none of a function.
    pub(super) fn parse(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.split(':').collect();
        let (parts, qualifier) = match parts.as_slice() {
            [parts @ .., qualifier] if parts.len() == 7 => (parts, Some((*qualifier).to_owned())),
            parts => (parts, None),
        };
        let ["arn", partition, "lambda", region, account, "function", name] = parts else { return None };
        Some(Self {
            arn: arn.to_owned(),
            region: (*region).to_owned(),
            account: (*account).to_owned(),
            partition: (*partition).to_owned(),
            name: (*name).to_owned(),
            qualifier,
        })
    }

    /// Where it is invoked (AWS Lambda API Reference, "Invoke"). Amazon gets the whole ARN, which also finds functions of other
    /// accounts; other servers get name and qualifier, which is what all of them know.
    pub(super) fn url(&self, server: Option<&str>) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        match server {
            Some(server) => {
                let query = self.qualifier.as_deref().map(|text| format!("?Qualifier={}", encoded(text)));
                format!("{}{}{}", server.trim_end_matches('/'), path(&self.name), query.unwrap_or_default())
            }
            None => {
                let china = if self.partition == "aws-cn" { ".cn" } else { "" };
                let host = format!("lambda.{}.amazonaws.com{china}", self.region);
                format!("https://{host}{}", path(&encoded(&self.arn)))
            }
        }
    }
}

fn path(function: &str) -> String {
    format!("/2015-03-31/functions/{function}/invocations")
}
