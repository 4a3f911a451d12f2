-- The metadata of the sandbox store. Keys are BLOBs, so that their order is that of their UTF-8 bytes, as in S3.
CREATE TABLE IF NOT EXISTS buckets (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    created    INTEGER NOT NULL,            -- Unix time, seconds
    versioning TEXT NOT NULL DEFAULT '' CHECK (versioning IN ('', 'Enabled', 'Suspended')),
    location   TEXT
) STRICT;

-- Shared by all versions and parts that hold the same bytes: a copy adds a reference, not bytes.
CREATE TABLE IF NOT EXISTS bodies (
    id         INTEGER PRIMARY KEY,
    refs       INTEGER NOT NULL CHECK (refs > 0),
    data       BLOB,                        -- a small body
    file       TEXT UNIQUE,                 -- name of the file of a large one
    CHECK ((data IS NULL) <> (file IS NULL))
) STRICT;

-- Among the rows of one key, the greatest id is the current version.
CREATE TABLE IF NOT EXISTS versions (
    id            INTEGER PRIMARY KEY,
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
    body          INTEGER REFERENCES bodies (id)
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS versions_newest_first ON versions (bucket, key, id DESC);
CREATE UNIQUE INDEX IF NOT EXISTS versions_by_version ON versions (bucket, key, version);

CREATE TABLE IF NOT EXISTS uploads (
    id        TEXT PRIMARY KEY,
    bucket    INTEGER NOT NULL REFERENCES buckets (id),
    key       BLOB NOT NULL,
    initiated INTEGER NOT NULL,             -- Unix time, seconds
    plan      TEXT NOT NULL                 -- JSON: what the completed object will have
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS parts (
    upload   TEXT NOT NULL REFERENCES uploads (id),
    number   INTEGER NOT NULL,
    size     INTEGER NOT NULL,              -- bytes
    etag     TEXT NOT NULL,
    modified INTEGER NOT NULL,              -- Unix time, seconds
    checksum TEXT NOT NULL,                 -- JSON
    body     INTEGER NOT NULL REFERENCES bodies (id),
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;
