-- Keys of a log that no longer sign: each with its last checkpoint, which its successor signed too. The same names stand in
-- ../postgres/0007_log_key.sql.
CREATE TABLE log_key (
    origin TEXT NOT NULL, vkey TEXT NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL, retired_at INTEGER NOT NULL,
    PRIMARY KEY (origin, vkey)
) STRICT, WITHOUT ROWID;
