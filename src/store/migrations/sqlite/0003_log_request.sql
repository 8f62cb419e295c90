-- Entries that a command beside the running gateway asks it to write: only the gateway writes its log. Sealed; gone once
-- written. The same names stand in ../postgres/0003_log_request.sql.
CREATE TABLE log_request (
    id TEXT NOT NULL PRIMARY KEY, origin TEXT NOT NULL, body BLOB NOT NULL, asked_at INTEGER NOT NULL
) STRICT;
