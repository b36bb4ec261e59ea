-- Who may do what, what the domain is set to, and the archive of contacts.

-- Users, roles, elevations, rules and settings: small documents, sealed, so that writing to the database grants nobody anything.
CREATE TABLE documents (
    domain_id  TEXT   NOT NULL REFERENCES domains (domain_id),
    kind       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    sealed     BYTEA  NOT NULL,
    PRIMARY KEY (domain_id, kind, name)
);

-- What a contact is found by; narrow, so that all of it can be gone through. Agents and queues are named, callers are not. hierarchy is the agent's
-- groups from the top, each between unit separators. Sentiment is -5 to 5; what begins and ends is the first and the last quarter.
CREATE TABLE contacts (
    contact_no               INTEGER NOT NULL PRIMARY KEY,
    domain_id                TEXT    NOT NULL REFERENCES domains (domain_id),
    contact_id               TEXT    NOT NULL,
    channel                  TEXT,
    agent                    TEXT,
    queue                    TEXT,
    hierarchy                TEXT    NOT NULL,
    initiated_at             BIGINT  NOT NULL,
    closed                   BOOLEAN NOT NULL,
    last_update_at           BIGINT  NOT NULL,
    imported_at              BIGINT  NOT NULL,
    expires_at               BIGINT  NOT NULL,
    authentication           TEXT,
    fraud                    TEXT,
    fraud_reasons            TEXT,
    speaker_action           TEXT,
    redacted_transcript      BOOLEAN NOT NULL DEFAULT FALSE,
    original_transcript      BOOLEAN NOT NULL DEFAULT FALSE,
    duration_ms              BIGINT,
    non_talk_ms              BIGINT,
    agent_sentiment          DOUBLE PRECISION,
    agent_sentiment_begin    DOUBLE PRECISION,
    agent_sentiment_end      DOUBLE PRECISION,
    customer_sentiment       DOUBLE PRECISION,
    customer_sentiment_begin DOUBLE PRECISION,
    customer_sentiment_end   DOUBLE PRECISION
);
CREATE UNIQUE INDEX contacts_by_id ON contacts (domain_id, contact_id);
-- All that figures are compared with, so that a search that few contacts fit need not fetch the others.
CREATE INDEX contacts_by_age ON contacts (domain_id, initiated_at, contact_no, closed, expires_at, redacted_transcript,
    original_transcript, duration_ms, non_talk_ms, agent_sentiment, agent_sentiment_begin, agent_sentiment_end,
    customer_sentiment, customer_sentiment_begin, customer_sentiment_end, authentication, fraud, speaker_action);
CREATE INDEX contacts_by_agent ON contacts (domain_id, agent, initiated_at, contact_no);
CREATE INDEX contacts_by_queue ON contacts (domain_id, queue, initiated_at, contact_no);
CREATE INDEX contacts_by_expiry ON contacts (domain_id, expires_at);

-- The record, sealed.
CREATE TABLE contact_records (
    contact_no INTEGER NOT NULL PRIMARY KEY REFERENCES contacts (contact_no),
    sealed     BYTEA   NOT NULL
);

CREATE TABLE contact_categories (
    contact_no INTEGER NOT NULL REFERENCES contacts (contact_no),
    category   TEXT    NOT NULL,
    PRIMARY KEY (category, contact_no)
);
CREATE INDEX contact_categories_by_contact ON contact_categories (contact_no);

-- Recordings and analysed transcripts, as they were and redacted.
CREATE TABLE contact_files (
    contact_no INTEGER NOT NULL REFERENCES contacts (contact_no),
    media      TEXT    NOT NULL,
    variant    TEXT    NOT NULL,
    stored_at  BIGINT  NOT NULL,
    bytes      BIGINT  NOT NULL,
    sealed     BYTEA   NOT NULL,
    PRIMARY KEY (contact_no, media, variant)
);

-- What was said, by whom: keyed hashes of words, so that it can be searched and not read. SQLite's own full-text index.
CREATE VIRTUAL TABLE words_redacted USING fts5 (agent, customer, system, tokenize = 'ascii');
CREATE VIRTUAL TABLE words_original USING fts5 (agent, customer, system, tokenize = 'ascii');
INSERT INTO words_redacted (words_redacted, rank) VALUES ('secure-delete', 1);
INSERT INTO words_original (words_original, rank) VALUES ('secure-delete', 1);

-- Why something was done, sealed; and where the audit ends, so that its newest entries cannot be cut off either.
ALTER TABLE audit ADD COLUMN note BYTEA;
CREATE TABLE audit_heads (
    domain_id TEXT   NOT NULL PRIMARY KEY REFERENCES domains (domain_id),
    seq       BIGINT NOT NULL,
    mac       BYTEA  NOT NULL
);
