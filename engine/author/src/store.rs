//! The store of a case: the embedded one, in memory, with the objects that the case names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use longshore_job::{EngineConfig, ObjectId};
use longshore_sandbox_store::{Credentials, Sandbox, SandboxConfig, start};
use longshore_store::{
    GetObject, GetObjectTagging, HeadObject, PutObject, S3Store, Store as _, StoreError, Tag,
};

use crate::error::AuthorError;
use crate::fixtures::{Case, ExpectedObject, Object};
use crate::matching::differs;

/// Secret key of a store that lives as long as a case, on loopback. Long enough to be taken for a key.
const SECRET: &str = "fixtures-of-one-case";

/// A role that may do everything: what an operation may do is what it declares.
const POLICY: &str =
    r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;

/// The store of one case.
pub(crate) struct CaseStore {
    sandbox: Sandbox,
    /// The configuration of an engine that has this store alone.
    pub(crate) config: EngineConfig,
    client: S3Store,
    /// Where the paths of the fixtures file begin.
    directory: PathBuf,
}

impl CaseStore {
    /// Starts it. `scratch` takes its configuration.
    pub(crate) async fn start(case: &Case, directory: &Path, scratch: &Path) -> Result<Self, AuthorError> {
        let credentials =
            Credentials { access_key_id: "fixtures".to_owned(), secret_access_key: SECRET.to_owned() };
        let sandbox =
            start(SandboxConfig { buckets: buckets(case), ..SandboxConfig::new(credentials) }).await;
        let sandbox = sandbox.map_err(|error| AuthorError::Store(error.to_string()))?;
        let policy = scratch.join("policy.json");
        std::fs::write(&policy, POLICY).map_err(AuthorError::io("write", &policy))?;
        let config = config(&sandbox.endpoint(), scratch)?;
        let client = longshore_runner::connect_store(&config, "fixtures").await;
        let client = client.map_err(|failure| AuthorError::Store(failure.reason))?;
        let store = Self { sandbox, config, client, directory: directory.to_owned() };
        for object in &case.object {
            store.put(object).await?;
        }
        Ok(store)
    }

    pub(crate) async fn stop(self) {
        self.sandbox.shutdown().await;
    }

    async fn put(&self, object: &Object) -> Result<(), AuthorError> {
        let place = format!("s3://{}/{}", object.bucket, object.key);
        let body = self.body(&object.body, &object.file)?;
        let body = match (body, object.size) {
            (Some(body), None) => body,
            (None, size) => vec![0; usize::try_from(size.unwrap_or_default()).unwrap_or(usize::MAX)],
            (Some(_), Some(_)) => {
                return Err(AuthorError::Fixture(format!(
                    "{place}: give body, file or size, not two of them"
                )));
            }
        };
        let mut put = PutObject::new(&object.bucket, &object.key, Bytes::from(body));
        put.content.content_type.clone_from(&object.content_type);
        put.user_metadata.clone_from(&object.metadata);
        put.tags = object.tags.iter().map(|(key, value)| Tag::new(key, value)).collect();
        put.storage_class.clone_from(&object.class);
        let answer = self.client.send(&put.into()).await;
        answer.map(drop).map_err(|error| AuthorError::Fixture(format!("{place}: {error}")))
    }

    /// The bytes of an object: its text, or those of a file.
    fn body(&self, text: &Option<String>, file: &Option<String>) -> Result<Option<Vec<u8>>, AuthorError> {
        match (text, file) {
            (Some(text), None) => Ok(Some(text.clone().into_bytes())),
            (None, Some(file)) => {
                let path = self.directory.join(file);
                std::fs::read(&path).map(Some).map_err(AuthorError::io("read", &path))
            }
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(AuthorError::Fixture("an object has body or file, not both".to_owned()))
            }
        }
    }

    /// Everything in which an object differs from what is expected of it.
    pub(crate) async fn differences(&self, expected: &ExpectedObject) -> Result<Vec<String>, AuthorError> {
        let place = format!("s3://{}/{}", expected.bucket, expected.key);
        let object = ObjectId::new(&expected.bucket, &expected.key);
        let unreadable = |error: StoreError| AuthorError::Store(format!("{place}: {error}"));
        let head = match self.client.send(&HeadObject::new(object.clone()).into()).await {
            Ok(_) if expected.absent => return Ok(vec![differs(&place, "no object", "an object")]),
            Ok(head) => head,
            Err(error) if error.status == Some(404) => {
                let missing = differs(&place, "an object", "no object");
                return Ok(if expected.absent { Vec::new() } else { vec![missing] });
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut found = Vec::new();
        let mut compare = |what: &str, expected: Option<String>, is: String| {
            if let Some(expected) = expected.filter(|expected| *expected != is) {
                found.push(differs(&format!("{place}: {what}"), &expected, &is));
            }
        };
        let class = head.storage_class.unwrap_or_else(|| "STANDARD".to_owned());
        compare("class", expected.class.clone(), class);
        compare("content type", expected.content_type.clone(), head.content.content_type.unwrap_or_default());
        compare(
            "size",
            expected.size.map(|size| size.to_string()),
            head.size.unwrap_or_default().to_string(),
        );
        compare("metadata", expected.metadata.as_ref().map(pairs), pairs(&head.user_metadata));
        if let Some(expected) = &expected.tags {
            let tags =
                self.client.send(&GetObjectTagging::new(object.clone()).into()).await.map_err(unreadable)?;
            let tags = tags
                .tags
                .iter()
                .map(|tag| (&tag.key, &tag.value))
                .collect::<std::collections::BTreeMap<_, _>>();
            compare("tags", Some(pairs(expected)), pairs(tags));
        }
        if let Some(body) = self.body(&expected.body, &expected.file)? {
            let is = self.client.send(&GetObject::new(object).into()).await.map_err(unreadable)?.body;
            if is != body {
                compare("body", Some(shown(&body)), shown(&is));
            }
        }
        Ok(found)
    }
}

/// Every bucket that a case names.
fn buckets(case: &Case) -> Vec<String> {
    let named = case.object.iter().map(|object| object.bucket.clone());
    let expected = case.expect.object.iter().map(|object| object.bucket.clone());
    let all: BTreeSet<String> =
        named.chain(expected).chain(case.bucket.clone()).chain([crate::fixtures::bucket()]).collect();
    all.into_iter().collect()
}

fn config(endpoint: &str, scratch: &Path) -> Result<EngineConfig, AuthorError> {
    let source = format!(
        "data-directory = \"data\"\n\
         [store.fixtures]\nendpoint = \"{endpoint}\"\nregion = \"us-east-1\"\npath-style = true\n\
         update-encryption = true\n\
         credentials = {{ source = \"static\", access-key-id = \"fixtures\", secret-access-key = \"${{SECRET}}\" }}\n\
         [role.fixtures]\naccount = \"111122223333\"\npolicies = [\"policy.json\"]\n"
    );
    let file = scratch.join("longshore.toml");
    let secret = |_: &str| Some(SECRET.to_owned());
    let config = EngineConfig::parse(&source, &file.display().to_string(), &secret);
    config.map_err(|problems| AuthorError::Store(problems.render()))
}

/// Pairs on one line, in order.
fn pairs<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> String {
    let pairs = pairs.into_iter().map(|(key, value)| format!("{}={}", key.as_ref(), value.as_ref()));
    let line = pairs.collect::<Vec<_>>().join(", ");
    if line.is_empty() { "none".to_owned() } else { line }
}

/// The beginning of bytes, in which they may differ, and their number.
fn shown(bytes: &[u8]) -> String {
    /// So many bytes fit on a few lines of a terminal.
    const MOST: usize = 200;
    let text = String::from_utf8_lossy(bytes.get(..MOST).unwrap_or(bytes)).escape_debug().to_string();
    if bytes.len() > MOST { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}
