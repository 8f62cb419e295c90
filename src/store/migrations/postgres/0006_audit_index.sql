-- Beside the log: cosignatures of witnesses, and an index over sealed payloads for the questions auditors ask. Everything
-- in the index that could name or describe a person is a keyed hash, or a bit whose meaning is keyed; erasing a subject
-- erases its rows here too. The same names stand in ../sqlite/0006_audit_index.sql.
CREATE TABLE cosignature (
    origin TEXT NOT NULL, witness TEXT NOT NULL, size BIGINT NOT NULL, note TEXT NOT NULL, line TEXT NOT NULL, seconds BIGINT NOT NULL,
    PRIMARY KEY (origin, witness, size)
);
CREATE INDEX cosignature_size ON cosignature (origin, size);
CREATE TABLE log_index (
    origin TEXT NOT NULL, idx BIGINT NOT NULL, time BIGINT NOT NULL, event BIGINT NOT NULL, outcome BIGINT NOT NULL,
    flags BIGINT NOT NULL, actor BIGINT NOT NULL, hat BIGINT NOT NULL, role BIGINT NOT NULL, agency BIGINT NOT NULL,
    subject BIGINT NOT NULL, case_ref BIGINT NOT NULL, purpose BIGINT NOT NULL, reason BIGINT NOT NULL,
    shown_full BIGINT NOT NULL, shown_part BIGINT NOT NULL, shown_none BIGINT NOT NULL, withheld BYTEA NOT NULL,
    PRIMARY KEY (origin, idx)
);
CREATE INDEX log_index_event ON log_index (event, time, origin, idx);
CREATE INDEX log_index_subject ON log_index (subject, time, origin, idx);
CREATE INDEX log_index_actor ON log_index (actor, time, origin, idx);
CREATE INDEX log_index_time ON log_index (time, origin, idx);
CREATE TABLE log_index_ref (
    ref BIGINT NOT NULL, origin TEXT NOT NULL, idx BIGINT NOT NULL,
    PRIMARY KEY (ref, origin, idx)
);
CREATE INDEX log_index_ref_entry ON log_index_ref (origin, idx);
