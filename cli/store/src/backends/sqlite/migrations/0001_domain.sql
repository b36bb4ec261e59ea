-- Plain SQL that SQLite and PostgreSQL both take: BYTEA has blob semantics in both, times are Unix milliseconds.
-- Nothing here names a caller in the clear: customer ids are a keyed index plus a sealed copy, notes are sealed.

CREATE TABLE domains (
    domain_id            TEXT    NOT NULL PRIMARY KEY,
    name                 TEXT    NOT NULL,
    description          TEXT,
    status               TEXT    NOT NULL,
    default_watchlist_id TEXT    NOT NULL,
    consent_required     BOOLEAN NOT NULL,
    expiry_days          BIGINT  NOT NULL,
    created_at           BIGINT  NOT NULL,
    updated_at           BIGINT  NOT NULL
);

-- The domain's data key, wrapped once for each domain key that may open it. There are two rows only while a re-keying
-- is under way.
CREATE TABLE data_keys (
    domain_id  TEXT   NOT NULL REFERENCES domains (domain_id),
    key_id     TEXT   NOT NULL,
    wrapped    BYTEA  NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, key_id)
);

CREATE TABLE watchlists (
    domain_id    TEXT    NOT NULL REFERENCES domains (domain_id),
    watchlist_id TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    description  TEXT,
    is_default   BOOLEAN NOT NULL,
    created_at   BIGINT  NOT NULL,
    updated_at   BIGINT  NOT NULL,
    PRIMARY KEY (domain_id, watchlist_id)
);

-- status is PENDING, ENROLLED or OPTED_OUT; EXPIRED follows from last_accessed_at, the last enrolment or accepted call.
CREATE TABLE speakers (
    domain_id            TEXT   NOT NULL REFERENCES domains (domain_id),
    generated_speaker_id TEXT   NOT NULL,
    customer_index       BYTEA  NOT NULL,
    customer_sealed      BYTEA  NOT NULL,
    status               TEXT   NOT NULL,
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL,
    last_accessed_at     BIGINT,
    PRIMARY KEY (domain_id, generated_speaker_id)
);
CREATE UNIQUE INDEX speakers_by_customer ON speakers (domain_id, customer_index);
CREATE INDEX speakers_by_age ON speakers (domain_id, created_at, generated_speaker_id);

CREATE TABLE voiceprints (
    domain_id            TEXT   NOT NULL,
    generated_speaker_id TEXT   NOT NULL,
    model_id             TEXT   NOT NULL,
    enrolled_at          BIGINT NOT NULL,
    sealed               BYTEA  NOT NULL,
    PRIMARY KEY (domain_id, generated_speaker_id),
    FOREIGN KEY (domain_id, generated_speaker_id) REFERENCES speakers (domain_id, generated_speaker_id)
);

CREATE TABLE consents (
    domain_id            TEXT   NOT NULL,
    consent_id           TEXT   NOT NULL,
    generated_speaker_id TEXT   NOT NULL,
    recorded_at          BIGINT NOT NULL,
    withdrawn_at         BIGINT,
    sealed               BYTEA  NOT NULL,
    PRIMARY KEY (domain_id, consent_id),
    FOREIGN KEY (domain_id, generated_speaker_id) REFERENCES speakers (domain_id, generated_speaker_id)
);
CREATE INDEX consents_by_speaker ON consents (domain_id, generated_speaker_id, recorded_at);

-- Append-only: each row's mac covers the row before it. Subjects are generated ids; they outlive what they name.
CREATE TABLE audit (
    domain_id TEXT   NOT NULL REFERENCES domains (domain_id),
    seq       BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    actor     TEXT   NOT NULL,
    action    TEXT   NOT NULL,
    subject   TEXT   NOT NULL,
    mac       BYTEA  NOT NULL,
    PRIMARY KEY (domain_id, seq)
);
