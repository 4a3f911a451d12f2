//! The writer against commits that fail, disks that are full and engines that take over.

use rusqlite::ffi;

use super::*;

/// The commit fails and takes no effect.
fn lost(_: &Connection) -> rusqlite::Result<()> {
    Err(io_error())
}

/// The commit takes effect and is reported as failed.
fn denied(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("COMMIT")?;
    Err(io_error())
}

fn io_error() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR), None)
}

struct Fixture {
    path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { path: directory.path().join("queue.db"), _directory: directory }
    }

    fn engine(&self) -> Writer {
        Writer::engine(&self.path).unwrap().0
    }

    fn ids(&self) -> Vec<String> {
        let connection = schema::open(&self.path).unwrap();
        let mut statement = connection.prepare("SELECT id FROM job_records ORDER BY id").unwrap();
        let ids = statement.query_map([], |row| row.get(0)).unwrap();
        ids.collect::<Result<_, _>>().unwrap()
    }
}

fn insert(writer: &mut Writer, id: &str) -> Result<(), QueueError> {
    writer.transact("add a job", |connection| {
        let sql = "INSERT INTO job_records (id, spec, priority, state, plugin_digests, created_at)
                   VALUES (?1, '{}', 1, 'New', '[]', '')";
        connection.execute(sql, [id])?;
        Ok(())
    })
}

#[test]
fn a_commit_that_took_effect_is_a_success_whatever_sqlite_said() {
    let fixture = Fixture::new();
    let mut writer = fixture.engine();
    insert(&mut writer, "a").unwrap();
    writer.commit = denied;
    insert(&mut writer, "b").unwrap();
    writer.commit = commit;
    insert(&mut writer, "c").unwrap();
    assert_eq!(fixture.ids(), ["a", "b", "c"]);
}

#[test]
fn a_commit_that_took_no_effect_is_a_failure_and_the_writer_goes_on() {
    let fixture = Fixture::new();
    let mut writer = fixture.engine();
    writer.commit = lost;
    assert!(matches!(insert(&mut writer, "a"), Err(QueueError::Database { .. })));
    writer.commit = commit;
    insert(&mut writer, "a").unwrap();
    insert(&mut writer, "b").unwrap();
    assert_eq!(fixture.ids(), ["a", "b"]);
}

#[test]
fn an_outcome_that_cannot_be_read_back_is_unknown_and_settled_later() {
    let fixture = Fixture::new();
    let mut writer = fixture.engine();
    let (real, nowhere) = (fixture.path.clone(), fixture.path.join("nowhere"));
    writer.commit = denied;
    writer.path = nowhere;
    assert!(matches!(insert(&mut writer, "a"), Err(QueueError::CommitUnknown { .. })));
    writer.commit = commit;
    assert!(matches!(insert(&mut writer, "b"), Err(QueueError::DataDir { .. })));
    writer.path = real;
    insert(&mut writer, "c").unwrap();
    assert_eq!(fixture.ids(), ["a", "c"]);
}

#[test]
fn a_client_cannot_know_what_became_of_its_commit() {
    let fixture = Fixture::new();
    let mut writer = Writer::client(&fixture.path).unwrap();
    writer.commit = lost;
    assert!(matches!(insert(&mut writer, "a"), Err(QueueError::CommitUnknown { .. })));
    writer.commit = |_| Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None));
    assert!(matches!(insert(&mut writer, "a"), Err(QueueError::DiskFull { .. })));
    writer.commit = commit;
    insert(&mut writer, "a").unwrap();
    assert_eq!(fixture.ids(), ["a"]);
}

#[test]
fn a_stale_engine_is_fenced_and_a_client_is_not() {
    let fixture = Fixture::new();
    let (mut stale, mut client) = (fixture.engine(), Writer::client(&fixture.path).unwrap());
    insert(&mut stale, "a").unwrap();
    let mut engine = fixture.engine();
    for _ in 0..2 {
        assert!(matches!(insert(&mut stale, "b"), Err(QueueError::Fenced { .. })));
    }
    insert(&mut engine, "c").unwrap();
    insert(&mut client, "d").unwrap();
    assert_eq!(fixture.ids(), ["a", "c", "d"]);
}

#[test]
fn an_engine_that_is_replaced_while_its_commit_fails_is_fenced() {
    let fixture = Fixture::new();
    let mut stale = fixture.engine();
    stale.commit = |connection| {
        connection.execute_batch("COMMIT")?;
        let path = connection.path().unwrap_or_default();
        Connection::open(path)?.execute("UPDATE engine SET epoch = epoch + 1", [])?;
        Err(io_error())
    };
    assert!(matches!(insert(&mut stale, "a"), Err(QueueError::Fenced { .. })));
}

#[test]
fn a_full_disk_changes_nothing_and_is_survived() {
    let fixture = Fixture::new();
    let mut writer = fixture.engine();
    insert(&mut writer, "a").unwrap();
    let limit = |writer: &Writer, pages: i64| {
        let connection = writer.connection.as_ref().unwrap();
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    };
    limit(&writer, 1); // SQLite raises it to the pages that the file has
    let long = |writer: &mut Writer| {
        writer.transact("keep the report's place", |connection| {
            Ok(connection.execute("UPDATE job_records SET report = ?1", ["r".repeat(100_000)]).map(drop)?)
        })
    };
    assert!(matches!(long(&mut writer), Err(QueueError::DiskFull { .. })));
    assert_eq!(fixture.ids(), ["a"]);
    limit(&writer, 1_000_000);
    long(&mut writer).unwrap();
}

#[test]
fn a_step_that_is_refused_leaves_nothing() {
    let fixture = Fixture::new();
    let mut writer = fixture.engine();
    let refused: Result<(), _> = writer.transact("move the job", |connection| {
        connection.execute("UPDATE engine SET commits = 99", [])?;
        Err(QueueError::NotFound { id: "a".into() }.into())
    });
    assert!(matches!(refused, Err(QueueError::NotFound { .. })));
    insert(&mut writer, "a").unwrap();
    let connection = schema::open(&fixture.path).unwrap();
    let commits: i64 = connection.query_row("SELECT commits FROM engine", [], |row| row.get(0)).unwrap();
    assert_eq!(commits, 1);
}
