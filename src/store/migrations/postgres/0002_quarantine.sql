-- Quarantine: items of accepted messages that could not become a segment. Sealed like records; erased by time. The same
-- names stand in ../sqlite/0002_quarantine.sql.
CREATE TABLE quarantine (
    id TEXT NOT NULL PRIMARY KEY, message TEXT NOT NULL REFERENCES message (id), record TEXT NOT NULL REFERENCES record (id),
    agency TEXT NOT NULL, kind TEXT NOT NULL, wrapped_key BYTEA, content BYTEA, held_at BIGINT NOT NULL
);
CREATE INDEX quarantine_message ON quarantine (message);
CREATE INDEX quarantine_held ON quarantine (held_at) WHERE wrapped_key IS NOT NULL;
