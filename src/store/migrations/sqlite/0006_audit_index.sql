-- Beside the log: cosignatures of witnesses, and an index over sealed payloads for the questions auditors ask. Everything
-- in the index that could name or describe a person is a keyed hash, or a bit whose meaning is keyed; erasing a subject
-- erases its rows here too. The same names stand in ../postgres/0006_audit_index.sql.
CREATE TABLE cosignature (
    origin TEXT NOT NULL, witness TEXT NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL, line TEXT NOT NULL, seconds INTEGER NOT NULL,
    PRIMARY KEY (origin, witness, size)
) STRICT, WITHOUT ROWID;
CREATE INDEX cosignature_size ON cosignature (origin, size);
CREATE TABLE log_index (
    origin TEXT NOT NULL, idx INTEGER NOT NULL, time INTEGER NOT NULL, event INTEGER NOT NULL, outcome INTEGER NOT NULL,
    flags INTEGER NOT NULL, actor INTEGER NOT NULL, hat INTEGER NOT NULL, role INTEGER NOT NULL, agency INTEGER NOT NULL,
    subject INTEGER NOT NULL, case_ref INTEGER NOT NULL, purpose INTEGER NOT NULL, reason INTEGER NOT NULL,
    shown_full INTEGER NOT NULL, shown_part INTEGER NOT NULL, shown_none INTEGER NOT NULL, withheld BLOB NOT NULL,
    PRIMARY KEY (origin, idx)
) STRICT;
CREATE INDEX log_index_event ON log_index (event, time, origin, idx);
CREATE INDEX log_index_subject ON log_index (subject, time, origin, idx);
CREATE INDEX log_index_actor ON log_index (actor, time, origin, idx);
CREATE INDEX log_index_time ON log_index (time, origin, idx);
CREATE TABLE log_index_ref (
    ref INTEGER NOT NULL, origin TEXT NOT NULL, idx INTEGER NOT NULL,
    PRIMARY KEY (ref, origin, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX log_index_ref_entry ON log_index_ref (origin, idx);
