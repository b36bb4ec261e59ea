-- Events that are still to be passed on, once for each consumer; what they say is sealed. Acknowledged ones are deleted; the head keeps the count, so that a
-- number never stands for two events.

CREATE TABLE outbox (
    domain_id     TEXT   NOT NULL REFERENCES domains (domain_id),
    consumer      TEXT   NOT NULL,
    seq           BIGINT NOT NULL,
    at            BIGINT NOT NULL,
    claimed_until BIGINT NOT NULL,
    sealed        BYTEA  NOT NULL,
    PRIMARY KEY (domain_id, consumer, seq)
);
CREATE INDEX outbox_by_age ON outbox (domain_id, consumer, at);

CREATE TABLE outbox_heads (
    domain_id TEXT   NOT NULL REFERENCES domains (domain_id),
    consumer  TEXT   NOT NULL,
    seq       BIGINT NOT NULL,
    given_up  BIGINT NOT NULL,
    PRIMARY KEY (domain_id, consumer)
);
