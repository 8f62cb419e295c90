-- The spine: facts, messages, people, mailboxes, the audit log. Times are milliseconds UTC, JSON and ids are TEXT,
-- hashes and sealed content are BLOB. The same names stand in ../postgres/0001_spine.sql.
CREATE TABLE fact (
    section TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL, recorded_at INTEGER NOT NULL,
    PRIMARY KEY (section, id)
) STRICT;
CREATE TABLE fact_past (
    section TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL, recorded_at INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    PRIMARY KEY (section, id, version)
) STRICT;
CREATE TABLE fact_ref (
    ref TEXT NOT NULL, section TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (ref, section, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX fact_ref_item ON fact_ref (section, id);
CREATE TABLE fact_clock (one INTEGER NOT NULL PRIMARY KEY, version INTEGER NOT NULL) STRICT;
INSERT INTO fact_clock (one, version) VALUES (1, 0);

CREATE TABLE message (
    id TEXT NOT NULL PRIMARY KEY, system TEXT NOT NULL, agency TEXT NOT NULL, format TEXT NOT NULL,
    received_at INTEGER NOT NULL, body_digest BLOB NOT NULL, byte_length INTEGER NOT NULL, loss TEXT NOT NULL, state TEXT NOT NULL
) STRICT;
CREATE INDEX message_system ON message (system, received_at);
CREATE TABLE record (
    id TEXT NOT NULL PRIMARY KEY, message TEXT NOT NULL REFERENCES message (id), seq INTEGER NOT NULL,
    version INTEGER NOT NULL, wrapped_key BLOB, content BLOB, recorded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX record_message ON record (message, seq);
CREATE TABLE segment (
    id TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL REFERENCES record (id), local TEXT NOT NULL, custodian TEXT NOT NULL,
    category TEXT, form TEXT NOT NULL, state TEXT NOT NULL, recorded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX segment_record ON segment (record);
CREATE TABLE segment_person (
    person TEXT NOT NULL, segment TEXT NOT NULL REFERENCES segment (id),
    PRIMARY KEY (person, segment)
) STRICT, WITHOUT ROWID;
CREATE INDEX segment_person_segment ON segment_person (segment);

CREATE TABLE person (id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE TABLE person_identifier (
    hash BLOB NOT NULL, person TEXT NOT NULL REFERENCES person (id), scheme TEXT NOT NULL, verified INTEGER NOT NULL,
    PRIMARY KEY (hash, person)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX person_identifier_verified ON person_identifier (hash) WHERE verified = 1;
CREATE INDEX person_identifier_person ON person_identifier (person);
CREATE TABLE person_trait (
    hash BLOB NOT NULL, person TEXT NOT NULL REFERENCES person (id), kind TEXT NOT NULL,
    PRIMARY KEY (hash, person, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_trait_person ON person_trait (person);
CREATE TABLE record_person (
    record TEXT NOT NULL REFERENCES record (id), local TEXT NOT NULL, person TEXT NOT NULL REFERENCES person (id),
    PRIMARY KEY (record, local)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_person_person ON record_person (person);
CREATE TABLE review (
    id TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL, local TEXT NOT NULL, person TEXT NOT NULL, candidate TEXT NOT NULL,
    reason TEXT NOT NULL, state TEXT NOT NULL, created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX review_pair ON review (person, candidate);
CREATE INDEX review_state ON review (state, created_at);

CREATE TABLE mailbox (
    id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, message TEXT NOT NULL REFERENCES message (id), from_system TEXT NOT NULL,
    from_agency TEXT NOT NULL, to_system TEXT NOT NULL, hat TEXT, purpose TEXT, state TEXT NOT NULL, available_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL, state_at INTEGER NOT NULL, receipt TEXT, digest BLOB
) STRICT;
CREATE INDEX mailbox_due ON mailbox (to_system, state, available_at, id);
CREATE INDEX mailbox_message ON mailbox (message);
CREATE INDEX mailbox_expiry ON mailbox (state, expires_at);
CREATE TABLE mailbox_record (
    item TEXT NOT NULL REFERENCES mailbox (id), seq INTEGER NOT NULL, record TEXT NOT NULL REFERENCES record (id),
    PRIMARY KEY (item, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX mailbox_record_record ON mailbox_record (record);
CREATE TABLE idempotency (
    system TEXT NOT NULL, key_hash BLOB NOT NULL, body_digest BLOB NOT NULL, response TEXT NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (system, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE log_shard (
    origin TEXT NOT NULL PRIMARY KEY, batches INTEGER NOT NULL, size INTEGER NOT NULL, time_last INTEGER NOT NULL, frontier BLOB NOT NULL, owner TEXT NOT NULL,
    owned_at INTEGER NOT NULL, note TEXT NOT NULL, verified_size INTEGER NOT NULL, verified_frontier BLOB NOT NULL, verified_at INTEGER NOT NULL
) STRICT;
CREATE TABLE log_entry (
    origin TEXT NOT NULL, idx INTEGER NOT NULL, id TEXT NOT NULL, time INTEGER NOT NULL, entry BLOB NOT NULL, leaf BLOB NOT NULL,
    key_ref TEXT, sealed BLOB,
    PRIMARY KEY (origin, idx)
) STRICT;
CREATE UNIQUE INDEX log_entry_id ON log_entry (id);
CREATE INDEX log_entry_time ON log_entry (time, origin, idx);
CREATE INDEX log_entry_key ON log_entry (key_ref, origin, idx);
CREATE TABLE log_tile (
    origin TEXT NOT NULL, level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL,
    PRIMARY KEY (origin, level, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_key (
    origin TEXT NOT NULL, subject TEXT NOT NULL, wrapped BLOB NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (origin, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoint (
    origin TEXT NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL, made_at INTEGER NOT NULL,
    PRIMARY KEY (origin, size)
) STRICT, WITHOUT ROWID;
