-- The metadata of the sandbox store. Keys are BLOBs, so that their order is that of their UTF-8 bytes, as in S3.
CREATE TABLE IF NOT EXISTS buckets (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created    INTEGER NOT NULL,            -- Unix time, seconds
    versioning TEXT NOT NULL DEFAULT '' CHECK (versioning IN ('', 'Enabled', 'Suspended')),
    location   TEXT,
    settings   TEXT NOT NULL DEFAULT '{}',  -- JSON: object lock, default encryption
    replication TEXT                        -- JSON, as the client gave it
) STRICT;

-- Shared by all versions and parts that hold these bytes or some of them: a copy adds a reference, not bytes.
CREATE TABLE IF NOT EXISTS bodies (
    id         INTEGER PRIMARY KEY,
    refs       INTEGER NOT NULL CHECK (refs > 0),
    data       BLOB,                        -- a small body
    file       TEXT UNIQUE,                 -- name of the file of a large one
    CHECK ((data IS NULL) <> (file IS NULL))
) STRICT;

-- Among the rows of one key, the greatest id is the current version.
-- Ids are never used again, so that a row that was replaced is told from the one in its place.
CREATE TABLE IF NOT EXISTS versions (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    bucket        INTEGER NOT NULL REFERENCES buckets (id),
    key           BLOB NOT NULL,
    version       TEXT NOT NULL,
    delete_marker INTEGER NOT NULL,
    size          INTEGER NOT NULL,         -- bytes
    etag          TEXT NOT NULL,            -- without quotes
    modified      INTEGER NOT NULL,         -- Unix time, seconds
    storage_class TEXT NOT NULL,
    attributes    TEXT NOT NULL,            -- JSON
    tags          TEXT NOT NULL,            -- JSON
    acl           TEXT NOT NULL,            -- JSON
    restore       TEXT,                     -- JSON
    lock          TEXT NOT NULL DEFAULT '{}', -- JSON: retention, legal hold, event hold
    content       TEXT                      -- JSON: runs of bodies and of zeros; a delete marker has none
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS versions_newest_first ON versions (bucket, key, id DESC);
CREATE UNIQUE INDEX IF NOT EXISTS versions_by_version ON versions (bucket, key, version);

CREATE TABLE IF NOT EXISTS uploads (
    id        TEXT PRIMARY KEY,             -- in order of age
    bucket    INTEGER NOT NULL REFERENCES buckets (id),
    key       BLOB NOT NULL,
    initiated INTEGER NOT NULL,             -- Unix time, seconds
    plan      TEXT NOT NULL                 -- JSON: what the completed object will have
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket, key, id);

CREATE TABLE IF NOT EXISTS parts (
    upload   TEXT NOT NULL REFERENCES uploads (id),
    number   INTEGER NOT NULL,
    size     INTEGER NOT NULL,              -- bytes
    etag     TEXT NOT NULL,
    modified INTEGER NOT NULL,              -- Unix time, seconds
    sums     TEXT NOT NULL,                 -- JSON
    content  TEXT NOT NULL,                 -- JSON: runs of bodies and of zeros
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;
