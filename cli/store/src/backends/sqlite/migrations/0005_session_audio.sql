-- What was heard of a call, kept for some hours so that a fraudster may still be registered from it. Sealed; the speaker is the one
-- who was claimed, so that what belongs to a speaker goes with the speaker.

CREATE TABLE session_audio (
    domain_id            TEXT   NOT NULL REFERENCES domains (domain_id),
    session_id           TEXT   NOT NULL,
    generated_speaker_id TEXT,
    kept_at              BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL,
    sealed               BYTEA  NOT NULL,
    PRIMARY KEY (domain_id, session_id)
);
CREATE INDEX session_audio_by_speaker ON session_audio (domain_id, generated_speaker_id);
CREATE INDEX session_audio_by_expiry ON session_audio (domain_id, expires_at);
