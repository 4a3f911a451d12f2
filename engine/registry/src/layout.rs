//! Where installed plugins are, and how they are read and changed.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use longshore_job::InstalledName;
use longshore_job::declare::nearest;
use semver::Version;
use sha2::{Digest as _, Sha256};

use crate::error::RegistryError;
use crate::record::{FORMAT, Record};

/// Directory of the installed plugins in the data directory.
const DIRECTORY: &str = "plugins";

/// What the names of files begin with that are not whole yet.
const PARTIAL: &str = ".partial-";

/// Most bytes of a record: the largest part is the schema of the parameters, of which a call passes at most so much.
const MAX_RECORD_BYTES: u64 = 65 << 20;

/// How long another process that changes the installed plugins is waited for: it holds the lock for two small writes.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked whether that process is done.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The installed plugins of one data directory. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Registry {
    directory: PathBuf,
}

/// An installed plugin, as its record's file calls it.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its record, if that can be read.
    pub record: Result<Record, RegistryError>,
}

impl Registry {
    /// Those of the data directory `data`, which need not be there yet.
    pub fn new(data: &Path) -> Self {
        Self { directory: data.join(DIRECTORY) }
    }

    /// Everything that is installed, by name and version, the oldest first. A record that cannot be read is among them.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, RegistryError> {
        let mut names = Vec::new();
        let directory = self.records();
        let listed = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.map_err(RegistryError::io("read", &directory))?,
        };
        for file in listed {
            let file = file.map_err(RegistryError::io("read", &directory))?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(".json")).unwrap_or_default();
            if let Ok(InstalledName::Version(name, version)) = InstalledName::parse(name) {
                names.push((name.to_owned(), version.to_owned()));
            }
        }
        names.sort_by(|(name, version), (other, other_version)| {
            (name, order(version), version).cmp(&(other, order(other_version), other_version))
        });
        let entry = |(name, version): (String, String)| {
            let record = self.record(&name, &version);
            Entry { name, version, record }
        };
        Ok(names.into_iter().map(entry).collect())
    }

    /// Finds one as a user names it.
    ///
    /// # Errors
    /// If it is not installed, in a sentence that says what is; if its record cannot be read.
    pub fn find(&self, name: InstalledName<'_>) -> Result<Record, RegistryError> {
        if let InstalledName::Version(name, version) = name
            && self.record_path(name, version).exists()
        {
            return self.record(name, version);
        }
        let entries = self.entries()?;
        let found = match name {
            InstalledName::Newest(name) => newest(&entries, name),
            InstalledName::Version(..) => None,
            InstalledName::Digest(digest) => entries
                .iter()
                .position(|entry| entry.record.as_ref().is_ok_and(|record| record.sha256 == digest)),
        };
        match found.and_then(|place| entries.into_iter().nth(place)) {
            Some(entry) => entry.record,
            None => Err(self.not_installed(name)?),
        }
    }

    /// The newest of that name, if there is one.
    ///
    /// # Errors
    /// If its record cannot be read.
    pub fn newest(&self, name: &str) -> Result<Option<Record>, RegistryError> {
        let entries = self.entries()?;
        let found = newest(&entries, name).and_then(|place| entries.into_iter().nth(place));
        found.map(|entry| entry.record).transpose()
    }

    fn not_installed(&self, name: InstalledName<'_>) -> Result<RegistryError, RegistryError> {
        let entries = self.entries()?;
        let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        names.dedup();
        let versions_of = |name: &str| -> Vec<&str> {
            entries.iter().filter(|entry| entry.name == name).map(|entry| entry.version.as_str()).collect()
        };
        let help = match name {
            _ if names.is_empty() => "none is; 'longshore plugin install FILE' installs one".to_owned(),
            InstalledName::Version(name, _) if names.contains(&name) => {
                format!("installed versions: {}", versions_of(name).join(", "))
            }
            InstalledName::Version(name, _) | InstalledName::Newest(name) => {
                match nearest(name, names.iter().copied()) {
                    Some(near) => {
                        format!("did you mean {near:?} (installed: {})?", versions_of(near).join(", "))
                    }
                    None => format!("installed are: {}", names.join(", ")),
                }
            }
            InstalledName::Digest(_) => format!("installed are: {}", names.join(", ")),
        };
        Ok(RegistryError::NotInstalled(format!("no plugin {name} is installed; {help}")))
    }

    fn record(&self, name: &str, version: &str) -> Result<Record, RegistryError> {
        let path = self.record_path(name, version);
        let bad = |reason: String| RegistryError::BadRecord { path: path.clone(), reason };
        let file = File::open(&path).map_err(RegistryError::io("read", &path))?;
        let mut text = String::new();
        file.take(MAX_RECORD_BYTES).read_to_string(&mut text).map_err(RegistryError::io("read", &path))?;
        let record: Record = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if record.format != FORMAT {
            return Err(bad(format!("its format is {}, this engine knows {FORMAT}", record.format)));
        }
        if record.name != name || record.version != version {
            return Err(bad(format!("it is that of {}", record.full_name())));
        }
        if !matches!(InstalledName::parse(&format!("sha256:{}", record.sha256)), Ok(InstalledName::Digest(_)))
        {
            return Err(bad("its digest is none".to_owned()));
        }
        Ok(record)
    }

    /// The component of a record.
    ///
    /// # Errors
    /// If it is gone, or not the one that was installed.
    pub fn component(&self, record: &Record) -> Result<Vec<u8>, RegistryError> {
        let path = self.blob_path(&record.sha256);
        let file = File::open(&path).map_err(RegistryError::io("read", &path))?;
        let mut bytes = Vec::new();
        // One byte more than there should be is enough to see that it is another.
        file.take(record.size.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(RegistryError::io("read", &path))?;
        let found = digest(&bytes);
        if found != record.sha256 {
            return Err(RegistryError::Tampered { plugin: record.full_name(), path, found });
        }
        Ok(bytes)
    }

    /// Waits for other processes that change the installed plugins, and keeps them out.
    ///
    /// # Errors
    /// If the directory cannot be made, or another process takes too long.
    pub fn lock(&self) -> Result<Locked<'_>, RegistryError> {
        for directory in [self.directory.clone(), self.records(), self.blobs()] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&directory)
                .map_err(RegistryError::io("make", &directory))?;
        }
        let path = self.directory.join("lock");
        let failed = RegistryError::io("lock", &path);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.map_err(failed)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(RegistryError::io("lock", &path)(error)),
                Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(RegistryError::Locked { path, seconds: LOCK_PATIENCE.as_secs() });
                }
            }
        }
        let locked = Locked { registry: self, _lock: file };
        locked.sweep()?;
        Ok(locked)
    }

    pub(crate) fn directories(&self) -> [PathBuf; 3] {
        [self.directory.clone(), self.records(), self.blobs()]
    }

    fn records(&self) -> PathBuf {
        self.directory.join("installed")
    }

    fn blobs(&self) -> PathBuf {
        self.directory.join("blobs")
    }

    pub(crate) fn record_path(&self, name: &str, version: &str) -> PathBuf {
        self.records().join(format!("{name}@{version}.json"))
    }

    pub(crate) fn blob_path(&self, sha256: &str) -> PathBuf {
        self.blobs().join(sha256)
    }
}

/// The installed plugins, while nobody else changes them.
#[derive(Debug)]
pub struct Locked<'a> {
    registry: &'a Registry,
    _lock: File,
}

impl Locked<'_> {
    /// Writes the component, then the record: in this order, so that there is never a record without its component.
    pub(crate) fn put(&self, record: &Record, component: &[u8]) -> Result<(), RegistryError> {
        let path = self.registry.record_path(&record.name, &record.version);
        let text = serde_json::to_vec_pretty(record)
            .map_err(|error| RegistryError::BadRecord { path: path.clone(), reason: error.to_string() })?;
        write_whole(&self.registry.blob_path(&record.sha256), component)?;
        write_whole(&path, &text)
    }

    /// Removes a plugin: its record first.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn remove(&self, name: &str, version: &str) -> Result<(), RegistryError> {
        let path = self.registry.record_path(name, version);
        std::fs::remove_file(&path).map_err(RegistryError::io("remove", &path))?;
        sync_directory(&self.registry.records())?;
        self.sweep()
    }

    /// Removes what interrupted commands left: files that are not whole, and components without a record. Nothing is removed
    /// while some record cannot be read, since it may be about any of them.
    fn sweep(&self) -> Result<(), RegistryError> {
        let entries = self.registry.entries()?;
        let mut used = Vec::with_capacity(entries.len());
        let mut all_read = true;
        for entry in &entries {
            match &entry.record {
                Ok(record) => used.push(record.sha256.as_str()),
                Err(_) => all_read = false,
            }
        }
        for directory in [self.registry.records(), self.registry.blobs()] {
            let is_blobs = directory == self.registry.blobs();
            for file in std::fs::read_dir(&directory).map_err(RegistryError::io("read", &directory))? {
                let file = file.map_err(RegistryError::io("read", &directory))?;
                let name = file.file_name();
                let name = name.to_string_lossy();
                let unused = is_blobs && all_read && !used.contains(&name.as_ref());
                if name.starts_with(PARTIAL) || unused {
                    std::fs::remove_file(file.path()).map_err(RegistryError::io("remove", &file.path()))?;
                }
            }
        }
        Ok(())
    }
}

fn newest(entries: &[Entry], name: &str) -> Option<usize> {
    entries.iter().rposition(|entry| entry.name == name)
}

/// Versions by their precedence; what is no semantic version comes first.
fn order(version: &str) -> Option<Version> {
    Version::parse(version).ok()
}

/// SHA-256, in lower-case hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Writes a file for its owner only, whole or not at all, and so that it is still there after a loss of power.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let failed = || RegistryError::io("write", path);
    let mut file = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(directory).map_err(failed())?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed())?;
    file.persist(path).map_err(|error| failed()(error.error))?;
    sync_directory(directory)
}

fn sync_directory(directory: &Path) -> Result<(), RegistryError> {
    File::open(directory).and_then(|opened| opened.sync_all()).map_err(RegistryError::io("sync", directory))
}
