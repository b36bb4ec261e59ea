-- Batch jobs. What names a caller (manifest, paths, results) is sealed, and struck out when the job ends.
-- kind is SPEAKER_ENROLLMENT or FRAUDSTER_REGISTRATION; outcome is SUCCEEDED or FAILED, and absent until the item is done.

CREATE TABLE jobs (
    domain_id   TEXT   NOT NULL REFERENCES domains (domain_id),
    job_id      TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    status      TEXT   NOT NULL,
    token_index BYTEA,
    fingerprint BYTEA  NOT NULL,
    sealed      BYTEA  NOT NULL,
    failure     BYTEA,
    created_at  BIGINT NOT NULL,
    ended_at    BIGINT,
    PRIMARY KEY (domain_id, job_id)
);
CREATE UNIQUE INDEX jobs_by_token ON jobs (domain_id, token_index);

CREATE TABLE job_items (
    domain_id TEXT   NOT NULL,
    job_id    TEXT   NOT NULL,
    seq       BIGINT NOT NULL,
    request   BYTEA,
    outcome   TEXT,
    result    BYTEA,
    PRIMARY KEY (domain_id, job_id, seq),
    FOREIGN KEY (domain_id, job_id) REFERENCES jobs (domain_id, job_id)
);
