-- The views that users rely on: their names and columns stay, whatever becomes of the tables. Described in
-- docs/queue-schema.md. Times are ISO 8601 (RFC 3339) in UTC with nine digits, so that they sort.

CREATE VIEW view_version AS SELECT 1 AS version;

CREATE VIEW steps AS
SELECT job_records.id                       AS job,
       of_job.key + 1                       AS step,
       of_job.value ->> '$.label'           AS label,
       coalesce(of_job.value ->> '$.operation.source.builtin',
                of_job.value ->> '$.operation.source.file.path',
                (of_job.value ->> '$.operation.source.installed.name') || '@' ||
                (of_job.value ->> '$.operation.source.installed.version')) AS operation,
       of_job.value -> '$.operation.parameters' AS parameters,
       of_job.value -> '$.when'             AS condition,
       coalesce(of_job.value ->> '$.on_failure', 'stop') AS on_failure,
       plugin_digests ->> of_job.key        AS plugin_digest
FROM job_records, json_each(spec, '$.steps') AS of_job;

CREATE VIEW jobs AS
SELECT id                                   AS job,
       spec ->> '$.description'             AS description,
       (SELECT group_concat(operation, '+')
        FROM (SELECT operation FROM steps WHERE steps.job = job_records.id ORDER BY step)) AS operation,
       CASE json_array_length(spec, '$.steps')
            WHEN 1 THEN spec -> '$.steps[0].operation.parameters'
            ELSE (SELECT json_group_array(json(parameters))
                  FROM (SELECT parameters FROM steps WHERE steps.job = job_records.id ORDER BY step))
       END                                  AS parameters,
       state, priority,
       spec ->> '$.role'                    AS role,
       spec ->> '$.store'                   AS store,
       spec ->  '$.tags'                    AS tags,
       client_token, retry_of, start_at, deadline_at, created_at, suspended_at, started_at, finished_at, total_tasks, succeeded, failed, fuel,
       failure_code, failure_reason, status_reason, obstacle, report,
       (SELECT group_concat(plugin_digest, '+')
        FROM (SELECT plugin_digest FROM steps WHERE steps.job = job_records.id ORDER BY step)) AS plugin_digest,
       policy_digest
FROM job_records;

CREATE VIEW job_progress AS
SELECT id                                       AS job,
       spec ->> '$.description'                 AS description,
       state, priority, total_tasks, succeeded, failed,
       total_tasks - succeeded - failed         AS remaining,
       (SELECT count(*) FROM waiting WHERE waiting.job = job_records.number)    AS waiting,
       (SELECT min(due_at) FROM waiting WHERE waiting.job = job_records.number) AS waiting_until,
       CASE WHEN total_tasks > 0
            THEN round(100.0 * (succeeded + failed) / total_tasks, 1) END AS percent,
       created_at, started_at, finished_at, failure_code, failure_reason, obstacle, report
FROM job_records;

CREATE VIEW task_failures AS
SELECT job_records.id   AS job,
       failures.row + 1 AS row_number,
       bucket, key, version_id, code, status, message
FROM failures JOIN job_records ON job_records.number = failures.job;

CREATE VIEW events AS
SELECT event_records.number AS number,
       job_records.id       AS job,
       at, from_state, to_state, cause, actor
FROM event_records JOIN job_records ON job_records.number = event_records.job;
