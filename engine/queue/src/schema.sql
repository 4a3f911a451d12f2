-- Version 1, for users described in docs/queue-schema.md: they rely on the views in views.sql. Times are RFC 3339 in UTC with
-- nine digits, so that they sort.

-- Which engine may write, and how often it has. One row.
CREATE TABLE engine (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    epoch   INTEGER NOT NULL CHECK (epoch >= 0),
    commits INTEGER NOT NULL CHECK (commits >= 0)
) STRICT;

INSERT INTO engine VALUES (1, 0, 0);

CREATE TABLE job_records (
    number          INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE CHECK (length(id) BETWEEN 1 AND 64),
    spec            TEXT    NOT NULL CHECK (json_valid(spec)),
    priority        INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 2147483647),
    client_token    TEXT    GENERATED ALWAYS AS (spec ->> '$.client_token') VIRTUAL,
    retry_of        TEXT    GENERATED ALWAYS AS (spec ->> '$.manifest.sources[0].retry.job') VIRTUAL,
    state           TEXT    NOT NULL CHECK (state IN ('New', 'Preparing', 'Suspended', 'Ready', 'Active', 'Pausing', 'Paused',
                                                      'Completing', 'Complete', 'Cancelling', 'Cancelled', 'Failing',
                                                      'Failed')),
    plugin_digests  TEXT    NOT NULL CHECK (json_valid(plugin_digests)),
    policy_digest   TEXT,
    created_at      TEXT    NOT NULL,
    start_at        TEXT,
    deadline_at     TEXT,
    suspended_at    TEXT,
    started_at      TEXT,
    finished_at     TEXT,
    total_tasks     INTEGER CHECK (total_tasks >= 0),
    succeeded       INTEGER NOT NULL DEFAULT 0 CHECK (succeeded >= 0),
    failed          INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
    fuel            INTEGER NOT NULL DEFAULT 0 CHECK (fuel >= 0),
    failure_code    TEXT,
    failure_reason  TEXT,
    status_reason   TEXT,
    obstacle        TEXT,
    report          TEXT,
    succeeded_part  INTEGER NOT NULL DEFAULT 0 CHECK (succeeded_part >= 0),
    succeeded_bytes INTEGER NOT NULL DEFAULT 0 CHECK (succeeded_bytes >= 0),
    failed_part     INTEGER NOT NULL DEFAULT 0 CHECK (failed_part >= 0),
    failed_bytes    INTEGER NOT NULL DEFAULT 0 CHECK (failed_bytes >= 0),
    CHECK ((finished_at IS NOT NULL) = (state IN ('Complete', 'Cancelled', 'Failed'))),
    CHECK (succeeded + failed <= coalesce(total_tasks, 0)),
    CHECK ((failure_code IS NULL) = (failure_reason IS NULL))
) STRICT;

CREATE UNIQUE INDEX job_records_by_client_token ON job_records (client_token) WHERE client_token IS NOT NULL;

CREATE INDEX job_records_to_run ON job_records (priority DESC, created_at, id)
    WHERE state NOT IN ('Complete', 'Cancelled', 'Failed', 'Suspended', 'Paused');

CREATE INDEX job_records_by_deadline ON job_records (deadline_at)
    WHERE deadline_at IS NOT NULL AND state IN ('New', 'Preparing', 'Suspended', 'Ready', 'Active', 'Paused');

-- Which jobs a job comes after, as long as it waits: must they be Complete, or have ended.
CREATE TABLE dependencies (
    job           INTEGER NOT NULL REFERENCES job_records (number),
    on_job        INTEGER NOT NULL REFERENCES job_records (number) CHECK (on_job <> job),
    must_complete INTEGER NOT NULL CHECK (must_complete IN (0, 1)),
    PRIMARY KEY (job, on_job)
) STRICT, WITHOUT ROWID;

CREATE INDEX dependencies_on ON dependencies (on_job);

-- The jobs that are templates of a schedule, as long as it goes on; next_at is NULL once there is no further occurrence.
CREATE TABLE schedules (
    job     INTEGER PRIMARY KEY REFERENCES job_records (number),
    next_at TEXT
) STRICT;

-- The occurrences of schedules: each moment once, each with at most one job; NULL means it was left out.
CREATE TABLE occurrences (
    template INTEGER NOT NULL REFERENCES job_records (number),
    at       TEXT    NOT NULL,
    job      INTEGER UNIQUE REFERENCES job_records (number),
    PRIMARY KEY (template, at)
) STRICT, WITHOUT ROWID;

-- Every transition of every job.
CREATE TABLE event_records (
    number     INTEGER PRIMARY KEY,
    job        INTEGER NOT NULL REFERENCES job_records (number),
    at         TEXT    NOT NULL,
    from_state TEXT,
    to_state   TEXT    NOT NULL,
    cause      TEXT    NOT NULL,
    actor      TEXT    NOT NULL
) STRICT;

CREATE INDEX event_records_of_job ON event_records (job, number);

-- The outbox: transitions that nobody was told of yet. Written with the event, in its transaction.
CREATE TABLE outbox (
    event INTEGER PRIMARY KEY REFERENCES event_records (number)
) STRICT;

-- What is still to be told to whom, and what could not be. A row goes once it was delivered.
CREATE TABLE notifications (
    number     INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL,
    target     TEXT    NOT NULL,
    job        TEXT    NOT NULL,
    status     TEXT    NOT NULL,
    at         TEXT    NOT NULL,
    body       TEXT    NOT NULL CHECK (json_valid(body)),
    attempts   INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    since      TEXT    NOT NULL,
    next_at    TEXT,
    last_error TEXT,
    UNIQUE (id, target)
) STRICT;

CREATE INDEX notifications_due ON notifications (target, next_at, number) WHERE next_at IS NOT NULL;

-- The policies under which tasks of a job ran, from when on; one row each time they were others than before.
CREATE TABLE policy_snapshots (
    number    INTEGER PRIMARY KEY,
    job       INTEGER NOT NULL REFERENCES job_records (number),
    at        TEXT    NOT NULL,
    digest    TEXT    NOT NULL,
    documents TEXT    NOT NULL
) STRICT;

CREATE INDEX policy_snapshots_of_job ON policy_snapshots (job, number);

-- Lists that were generated from a bucket for a job and saved as inventories; source counts the sources of its manifest from 0.
CREATE TABLE saved_lists (
    job      INTEGER NOT NULL REFERENCES job_records (number),
    source   INTEGER NOT NULL CHECK (source >= 0),
    location TEXT    NOT NULL,
    etag     TEXT    NOT NULL,
    PRIMARY KEY (job, source)
) STRICT, WITHOUT ROWID;

-- Where the rows of a chunk are, and which of its tasks are finished: bit i % 8 of byte i / 8 of done is task i.
CREATE TABLE chunks (
    job       INTEGER NOT NULL REFERENCES job_records (number),
    number    INTEGER NOT NULL CHECK (number >= 0),
    first_row INTEGER NOT NULL CHECK (first_row >= 0),
    offset    INTEGER NOT NULL CHECK (offset >= 0),
    bytes     INTEGER NOT NULL CHECK (bytes >= 0),
    rows      INTEGER NOT NULL CHECK (rows > 0),
    crc32     INTEGER NOT NULL CHECK (crc32 BETWEEN 0 AND 4294967295),
    done      BLOB    CHECK (length(done) = (rows + 7) / 8),
    closed    INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX chunks_to_close ON chunks (job, number) WHERE closed = 0;

-- The failed tasks, by the row of the manifest, from 0; columns is what the row has for the operation, a JSON array.
-- A bad row names no object.
CREATE TABLE failures (
    job        INTEGER NOT NULL REFERENCES job_records (number),
    row        INTEGER NOT NULL CHECK (row >= 0),
    bucket     TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    version_id TEXT,
    columns    TEXT    CHECK (columns IS NULL OR json_valid(columns)),
    bad        INTEGER NOT NULL CHECK (bad IN (0, 1)),
    code       TEXT    NOT NULL,
    status     INTEGER CHECK (status BETWEEN 0 AND 65535),
    message    TEXT    NOT NULL,
    PRIMARY KEY (job, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE failure_codes (
    job   INTEGER NOT NULL REFERENCES job_records (number),
    code  TEXT    NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (job, code)
) STRICT, WITHOUT ROWID;

-- The manifest of a job that runs failed tasks of an earlier one again, until it is spooled; row is that of the earlier job.
CREATE TABLE retry_rows (
    job        INTEGER NOT NULL REFERENCES job_records (number),
    row        INTEGER NOT NULL CHECK (row >= 0),
    bucket     TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    version_id TEXT,
    columns    TEXT    CHECK (columns IS NULL OR json_valid(columns)),
    PRIMARY KEY (job, row)
) STRICT, WITHOUT ROWID;

-- What tasks that did not fail have to say, until their chunk is closed.
CREATE TABLE messages (
    job     INTEGER NOT NULL REFERENCES job_records (number),
    row     INTEGER NOT NULL CHECK (row >= 0),
    skipped INTEGER NOT NULL CHECK (skipped IN (0, 1)),
    message TEXT    NOT NULL,
    PRIMARY KEY (job, row)
) STRICT, WITHOUT ROWID;

-- Tasks that asked to run again later and have no result yet. progress is what became of their steps so far, a JSON array;
-- attempt is that of the next run of the step after these.
CREATE TABLE waiting (
    job      INTEGER NOT NULL REFERENCES job_records (number),
    row      INTEGER NOT NULL CHECK (row >= 0),
    chunk    INTEGER NOT NULL CHECK (chunk >= 0),
    due_at   TEXT    NOT NULL,
    progress TEXT    NOT NULL CHECK (json_valid(progress)),
    attempt  INTEGER NOT NULL CHECK (attempt > 1),
    note     TEXT    NOT NULL,
    PRIMARY KEY (job, row)
) STRICT, WITHOUT ROWID;

CREATE INDEX waiting_by_time ON waiting (job, due_at, chunk);

-- Multipart uploads that tasks have begun and not ended: whoever comes after a crash goes on with them or aborts them. store is
-- empty for that of the job. Both sizes are 0 for an upload that an operation makes itself: nobody goes on with it.
CREATE TABLE uploads (
    job         INTEGER NOT NULL REFERENCES job_records (number),
    store       TEXT    NOT NULL,
    bucket      TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    upload_id   TEXT    NOT NULL,
    source_etag TEXT    NOT NULL,
    size        INTEGER NOT NULL CHECK (size >= 0),
    part_size   INTEGER NOT NULL CHECK (part_size >= 0),
    PRIMARY KEY (job, store, bucket, key, upload_id)
) STRICT, WITHOUT ROWID;
