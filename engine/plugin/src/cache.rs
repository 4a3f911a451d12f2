//! Machine code that was compiled before, kept on disk.
//!
//! Whoever can change it runs code in the engine, outside of every sandbox. So nothing is believed that this user did not
//! write: directory and files are its own and closed to others, and each file carries a MAC (HMAC-SHA-256) of its name and its
//! code, with a key that lies beside it and never leaves the directory. What is not so is removed and compiled anew.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::Rng as _;
use rustix::fs::OFlags;
use sha2::Sha256;

/// Bytes of the MAC before the code in each file.
const MAC_BYTES: usize = 32;
/// Bytes of the key.
const KEY_BYTES: usize = 32;
/// Name of the file that holds the key.
const KEY: &str = "key";
/// How the names of files end that hold code.
const EXTENSION: &str = "cwasm";
/// Modes of the directory and of files in it: nobody else may even read.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Where machine code is kept: in the first of some directories that can be used. One whose parent is not there may come
/// later: the data directory is made by whatever first needs the queue.
pub(crate) struct Place {
    directories: Vec<PathBuf>,
    most_bytes: u64,
    opened: OnceLock<Option<Cache>>,
}

impl Place {
    pub(crate) fn new(directories: Vec<PathBuf>, most_bytes: u64) -> Self {
        Self { directories, most_bytes, opened: OnceLock::new() }
    }

    /// The cache there. Without it everything works, only slower.
    pub(crate) fn cache(&self) -> Option<&Cache> {
        if let Some(opened) = self.opened.get() {
            return opened.as_ref();
        }
        let mut failures = Vec::new();
        for directory in
            self.directories.iter().filter(|directory| directory.parent().is_some_and(Path::is_dir))
        {
            match Cache::open(directory, self.most_bytes) {
                Ok(cache) => return self.opened.get_or_init(|| Some(cache)).as_ref(),
                Err(error) => failures.push(error.to_string()),
            }
        }
        if failures.len() < self.directories.len() {
            return None;
        }
        let give_up = || {
            tracing::warn!("compiled plugins are not kept: {}", failures.join("; "));
            None
        };
        self.opened.get_or_init(give_up).as_ref()
    }
}

/// Machine code that was compiled before, in a directory of its own.
pub(crate) struct Cache {
    directory: PathBuf,
    key: [u8; KEY_BYTES],
    most_bytes: u64,
}

impl Cache {
    /// Opens the cache in `directory`, and makes it if there is none. It holds at most `most_bytes`: what was not used for
    /// longest goes first.
    ///
    /// # Errors
    /// If the directory is not this user's own, or cannot be read or written.
    pub(crate) fn open(directory: &Path, most_bytes: u64) -> io::Result<Self> {
        match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let found = std::fs::symlink_metadata(directory)?;
        if !found.is_dir() || !is_own(&found) {
            let why = format!("{} is not a directory of this user's own", directory.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
        }
        if mode(&found) != DIRECTORY_MODE {
            // Whoever could read may know the key.
            distrust(&directory.join(KEY), "others could open its directory");
            std::fs::set_permissions(directory, std::fs::Permissions::from_mode(DIRECTORY_MODE))?;
        }
        let key = key(&directory.join(KEY))?;
        Ok(Self { directory: directory.to_owned(), key, most_bytes })
    }

    /// The code of that name, if it is there and is what this engine wrote.
    pub(crate) fn find(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.path(name);
        let bytes = match read_own(&path, self.most_bytes) {
            Ok(bytes) => bytes,
            Err(Unfit::Absent) => return None,
            Err(Unfit::Because(why)) => {
                distrust(&path, &why);
                return None;
            }
        };
        let authentic = bytes.split_at_checked(MAC_BYTES).filter(|(mac, code)| {
            let fits = self.mac(name, code).map(|expected| expected.verify_slice(mac).is_ok());
            fits.unwrap_or(false)
        });
        let Some((_, code)) = authentic else {
            distrust(&path, "this engine did not write it");
            return None;
        };
        Some(code.to_vec())
    }

    /// Keeps code under a name. That it cannot is no error: it will be compiled again.
    pub(crate) fn keep(&self, name: &str, code: &[u8]) {
        if let Err(error) = self.write(name, code).and_then(|()| self.make_room()) {
            tracing::warn!(directory = %self.directory.display(), "compiled plugins are not kept: {error}");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name).with_extension(EXTENSION)
    }

    fn mac(&self, name: &str, code: &[u8]) -> io::Result<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).map_err(io::Error::other)?;
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(code);
        Ok(mac)
    }

    fn write(&self, name: &str, code: &[u8]) -> io::Result<()> {
        let mac = self.mac(name, code)?.finalize().into_bytes();
        let path = self.path(name);
        let new = new_name(&path);
        let written = create_own(&new).and_then(|mut file| {
            file.write_all(&mac)?;
            file.write_all(code)?;
            std::fs::rename(&new, &path)
        });
        if written.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        written
    }

    /// Removes what was not used for longest, until the rest is within the bound.
    fn make_room(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name == KEY) {
                continue;
            }
            if let Ok(found) = std::fs::symlink_metadata(&path) {
                let used = found.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                files.push((used, found.len(), path));
            }
        }
        files.sort_unstable();
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in files {
            if total <= self.most_bytes {
                break;
            }
            if std::fs::remove_file(path).is_ok() {
                total -= bytes;
            }
        }
        Ok(())
    }
}

fn is_own(found: &Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw()
}

fn mode(found: &Metadata) -> u32 {
    found.mode() & 0o7777
}

/// Removes what cannot be believed.
fn distrust(path: &Path, why: &str) {
    match std::fs::remove_file(path) {
        Ok(()) => tracing::warn!(file = %path.display(), "removed from the cache of compiled plugins: {why}"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(file = %path.display(), "not to be trusted ({why}), and cannot be removed: {error}");
        }
    }
}

/// Why a file is not read.
enum Unfit {
    Absent,
    Because(String),
}

/// Reads a file that is this user's own and nobody else's, whole; notes that it was used.
fn read_own(path: &Path, most_bytes: u64) -> Result<Vec<u8>, Unfit> {
    let because = |error: io::Error| Unfit::Because(error.to_string());
    let nofollow = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = match OpenOptions::new().read(true).custom_flags(nofollow).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unfit::Absent),
        Err(error) => return Err(because(error)),
    };
    let found = file.metadata().map_err(because)?;
    if !found.is_file() || !is_own(&found) || mode(&found) != FILE_MODE {
        return Err(Unfit::Because("it is not a file of this user alone".to_owned()));
    }
    let mut bytes = Vec::new();
    (&file).take(most_bytes).read_to_end(&mut bytes).map_err(because)?;
    // Only the order in which files go depends on it.
    let _ = file.set_modified(SystemTime::now());
    Ok(bytes)
}

/// A name that no other process takes, also not in another container with the same directory: several may compile the same
/// plugin at once.
fn new_name(path: &Path) -> PathBuf {
    path.with_extension(format!("{:016x}.new", rand::random::<u64>()))
}

fn create_own(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path)
}

/// The key of the cache; a new one if there is none that can be trusted. Then nothing in the cache fits any more.
fn key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let limit = u64::try_from(KEY_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    match read_own(path, limit).map(<[u8; KEY_BYTES]>::try_from) {
        Ok(Ok(key)) => return Ok(key),
        Ok(Err(_)) => distrust(path, "it is not a key"),
        Err(Unfit::Because(why)) => distrust(path, &why),
        Err(Unfit::Absent) => {}
    }
    let mut key = [0; KEY_BYTES];
    // Seeded by the system, cryptographically secure.
    rand::rng().fill_bytes(&mut key);
    let new = new_name(path);
    create_own(&new)?.write_all(&key)?;
    // Whoever was faster has the key.
    match std::fs::hard_link(&new, path) {
        Ok(()) => std::fs::remove_file(&new).map(|()| key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::remove_file(&new)?;
            let bytes = read_own(path, limit).map_err(|_| io::Error::other("its key changes"))?;
            bytes.try_into().map_err(|_| io::Error::other("its key changes"))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
