-- Keys of a log that no longer sign: each with its last checkpoint, which its successor signed too. The same names stand in
-- ../sqlite/0007_log_key.sql.
CREATE TABLE log_key (
    origin TEXT NOT NULL, vkey TEXT NOT NULL, size BIGINT NOT NULL, note TEXT NOT NULL, retired_at BIGINT NOT NULL,
    PRIMARY KEY (origin, vkey)
);
