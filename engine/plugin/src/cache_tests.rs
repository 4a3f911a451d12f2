//! What the cache believes, and what it does not.

use std::os::unix::fs::symlink;
use std::time::Duration;

use super::*;

const CODE: &[u8] = b"machine code";

fn directory() -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("plugin-cache");
    (parent, directory)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Does to a file what nobody should.
type Spoil = fn(&Path);

#[test]
fn what_was_kept_is_found_by_whoever_comes_next() {
    let (_parent, directory) = directory();
    let cache = Cache::open(&directory, 1_000).unwrap();
    assert_eq!(cache.find("a"), None);
    cache.keep("a", CODE);
    assert_eq!(cache.find("a").unwrap(), CODE);
    assert_eq!(Cache::open(&directory, 1_000).unwrap().find("a").unwrap(), CODE);
    for (name, expected) in [("", DIRECTORY_MODE), ("key", FILE_MODE), ("a.cwasm", FILE_MODE)] {
        let found = std::fs::metadata(directory.join(name)).unwrap();
        assert_eq!(mode(&found), expected, "{name}");
    }
}

#[test]
fn what_others_could_have_written_is_removed() {
    let spoil: [(&str, Spoil); 6] = [
        ("changed", |file| {
            let mut bytes = std::fs::read(file).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(file, bytes).unwrap();
        }),
        ("cut", |file| std::fs::write(file, [0; MAC_BYTES - 1]).unwrap()),
        ("empty", |file| std::fs::write(file, []).unwrap()),
        ("open to others", |file| set_mode(file, 0o604)),
        ("a link to a copy of it", |file| {
            let copy = file.with_extension("copy");
            std::fs::rename(file, &copy).unwrap();
            symlink(copy, file).unwrap();
        }),
        ("another's", |file| {
            let cache = Cache::open(file.parent().unwrap(), 1_000).unwrap();
            cache.keep("b", b"other code");
            std::fs::rename(file.with_file_name("b.cwasm"), file).unwrap();
        }),
    ];
    for (how, spoil) in spoil {
        let (_parent, directory) = directory();
        let cache = Cache::open(&directory, 1_000).unwrap();
        cache.keep("a", CODE);
        let file = directory.join("a.cwasm");
        spoil(&file);
        assert_eq!(cache.find("a"), None, "{how}");
        assert!(!file.exists(), "{how}: it stays");
        cache.keep("a", CODE);
        assert_eq!(cache.find("a").unwrap(), CODE, "{how}: compiled anew");
    }
}

#[test]
fn a_key_that_others_could_read_is_replaced() {
    let spoil: [(&str, Spoil); 3] = [
        ("the key is open", |directory| set_mode(&directory.join(KEY), 0o640)),
        ("the directory is open", |directory| set_mode(directory, 0o755)),
        ("the key is none", |directory| std::fs::write(directory.join(KEY), b"short").unwrap()),
    ];
    for (how, spoil) in spoil {
        let (_parent, directory) = directory();
        Cache::open(&directory, 1_000).unwrap().keep("a", CODE);
        let before = std::fs::read(directory.join(KEY)).unwrap();
        spoil(&directory);
        let cache = Cache::open(&directory, 1_000).unwrap();
        assert_ne!(std::fs::read(directory.join(KEY)).unwrap(), before, "{how}");
        assert_eq!(cache.find("a"), None, "{how}: under the old key");
        assert_eq!(mode(&std::fs::metadata(&directory).unwrap()), DIRECTORY_MODE, "{how}");
    }
}

#[test]
fn a_directory_that_is_none_is_not_used() {
    let (parent, directory) = directory();
    symlink(parent.path(), &directory).unwrap();
    assert_eq!(Cache::open(&directory, 1_000).err().unwrap().kind(), io::ErrorKind::PermissionDenied);
    std::fs::remove_file(&directory).unwrap();
    std::fs::write(&directory, "a file").unwrap();
    assert_eq!(Cache::open(&directory, 1_000).err().unwrap().kind(), io::ErrorKind::PermissionDenied);
}

#[test]
fn what_was_not_used_for_longest_goes_first() {
    let (_parent, directory) = directory();
    let cache = Cache::open(&directory, 300).unwrap();
    let age = |name: &str, seconds| {
        let file = File::open(directory.join(name).with_extension(EXTENSION)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    };
    // 132 bytes each: two are within the bound.
    for (name, seconds) in [("a", 30), ("b", 20)] {
        cache.keep(name, &[1; 100]);
        age(name, seconds);
    }
    assert!(cache.find("a").is_some(), "used now");
    cache.keep("c", &[1; 100]);
    let there = |name: &str| directory.join(name).with_extension(EXTENSION).exists();
    assert_eq!((there("a"), there("b"), there("c")), (true, false, true));
    assert!(directory.join(KEY).exists());
}

#[test]
fn it_opens_once_there_is_a_place_for_it() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    let not_a_directory = temporary.path().join("file");
    std::fs::write(&not_a_directory, "").unwrap();
    let place = Place::new(vec![not_a_directory, data.join("plugin-cache")], 1_000);
    assert!(place.cache().is_none());
    std::fs::create_dir(&data).unwrap();
    place.cache().unwrap().keep("a", CODE);
    assert_eq!(place.cache().unwrap().find("a").unwrap(), CODE);
}
