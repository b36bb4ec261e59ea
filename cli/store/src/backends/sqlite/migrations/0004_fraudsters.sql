-- Fraudsters and the watch lists that they are on; a fraudster is always on one at least.

ALTER TABLE domains ADD COLUMN max_watchlists BIGINT NOT NULL DEFAULT 3;
ALTER TABLE domains ADD COLUMN max_fraudsters BIGINT NOT NULL DEFAULT 500;

CREATE TABLE fraudsters (
    domain_id              TEXT   NOT NULL REFERENCES domains (domain_id),
    generated_fraudster_id TEXT   NOT NULL,
    model_id               TEXT   NOT NULL,
    created_at             BIGINT NOT NULL,
    sealed                 BYTEA  NOT NULL,
    PRIMARY KEY (domain_id, generated_fraudster_id)
);
CREATE INDEX fraudsters_by_age ON fraudsters (domain_id, created_at, generated_fraudster_id);

CREATE TABLE watchlist_members (
    domain_id              TEXT   NOT NULL,
    watchlist_id           TEXT   NOT NULL,
    generated_fraudster_id TEXT   NOT NULL,
    added_at               BIGINT NOT NULL,
    PRIMARY KEY (domain_id, watchlist_id, generated_fraudster_id),
    FOREIGN KEY (domain_id, watchlist_id) REFERENCES watchlists (domain_id, watchlist_id),
    FOREIGN KEY (domain_id, generated_fraudster_id) REFERENCES fraudsters (domain_id, generated_fraudster_id)
);
CREATE INDEX watchlist_members_by_fraudster ON watchlist_members (domain_id, generated_fraudster_id);
