-- The spine: facts, messages, people, mailboxes, the audit log. Times are milliseconds UTC, JSON and ids are TEXT,
-- hashes and sealed content are BYTEA. The same names stand in ../sqlite/0001_spine.sql.
CREATE TABLE fact (
    section TEXT NOT NULL, id TEXT NOT NULL, version BIGINT NOT NULL, body BYTEA NOT NULL, recorded_at BIGINT NOT NULL,
    PRIMARY KEY (section, id)
);
CREATE TABLE fact_past (
    section TEXT NOT NULL, id TEXT NOT NULL, version BIGINT NOT NULL, body BYTEA NOT NULL, recorded_at BIGINT NOT NULL,
    replaced_at BIGINT NOT NULL,
    PRIMARY KEY (section, id, version)
);
CREATE TABLE fact_ref (
    ref TEXT NOT NULL, section TEXT NOT NULL, id TEXT NOT NULL,
    PRIMARY KEY (ref, section, id)
);
CREATE INDEX fact_ref_item ON fact_ref (section, id);
CREATE TABLE fact_clock (one BIGINT NOT NULL PRIMARY KEY, version BIGINT NOT NULL);
INSERT INTO fact_clock (one, version) VALUES (1, 0);

CREATE TABLE message (
    id TEXT NOT NULL PRIMARY KEY, system TEXT NOT NULL, agency TEXT NOT NULL, format TEXT NOT NULL,
    received_at BIGINT NOT NULL, body_digest BYTEA NOT NULL, byte_length BIGINT NOT NULL, loss TEXT NOT NULL, state TEXT NOT NULL
);
CREATE INDEX message_system ON message (system, received_at);
CREATE TABLE record (
    id TEXT NOT NULL PRIMARY KEY, message TEXT NOT NULL REFERENCES message (id), seq BIGINT NOT NULL,
    version BIGINT NOT NULL, wrapped_key BYTEA, content BYTEA, recorded_at BIGINT NOT NULL
);
CREATE INDEX record_message ON record (message, seq);
CREATE TABLE segment (
    id TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL REFERENCES record (id), local TEXT NOT NULL, custodian TEXT NOT NULL,
    category TEXT, form TEXT NOT NULL, state TEXT NOT NULL, recorded_at BIGINT NOT NULL
);
CREATE INDEX segment_record ON segment (record);
CREATE TABLE segment_person (
    person TEXT NOT NULL, segment TEXT NOT NULL REFERENCES segment (id),
    PRIMARY KEY (person, segment)
);
CREATE INDEX segment_person_segment ON segment_person (segment);

CREATE TABLE person (id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, created_at BIGINT NOT NULL);
CREATE TABLE person_identifier (
    hash BYTEA NOT NULL, person TEXT NOT NULL REFERENCES person (id), scheme TEXT NOT NULL, verified BOOLEAN NOT NULL,
    PRIMARY KEY (hash, person)
);
CREATE UNIQUE INDEX person_identifier_verified ON person_identifier (hash) WHERE verified;
CREATE INDEX person_identifier_person ON person_identifier (person);
CREATE TABLE person_trait (
    hash BYTEA NOT NULL, person TEXT NOT NULL REFERENCES person (id), kind TEXT NOT NULL,
    PRIMARY KEY (hash, person, kind)
);
CREATE INDEX person_trait_person ON person_trait (person);
CREATE TABLE record_person (
    record TEXT NOT NULL REFERENCES record (id), local TEXT NOT NULL, person TEXT NOT NULL REFERENCES person (id),
    PRIMARY KEY (record, local)
);
CREATE INDEX record_person_person ON record_person (person);
CREATE TABLE review (
    id TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL, local TEXT NOT NULL, person TEXT NOT NULL, candidate TEXT NOT NULL,
    reason TEXT NOT NULL, state TEXT NOT NULL, created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX review_pair ON review (person, candidate);
CREATE INDEX review_state ON review (state, created_at);

CREATE TABLE mailbox (
    id TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, message TEXT NOT NULL REFERENCES message (id), from_system TEXT NOT NULL,
    from_agency TEXT NOT NULL, to_system TEXT NOT NULL, hat TEXT, purpose TEXT, state TEXT NOT NULL, available_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, state_at BIGINT NOT NULL, receipt TEXT, digest BYTEA
);
CREATE INDEX mailbox_due ON mailbox (to_system, state, available_at, id);
CREATE INDEX mailbox_message ON mailbox (message);
CREATE INDEX mailbox_expiry ON mailbox (state, expires_at);
CREATE TABLE mailbox_record (
    item TEXT NOT NULL REFERENCES mailbox (id), seq BIGINT NOT NULL, record TEXT NOT NULL REFERENCES record (id),
    PRIMARY KEY (item, seq)
);
CREATE INDEX mailbox_record_record ON mailbox_record (record);
CREATE TABLE idempotency (
    system TEXT NOT NULL, key_hash BYTEA NOT NULL, body_digest BYTEA NOT NULL, response TEXT NOT NULL, created_at BIGINT NOT NULL,
    PRIMARY KEY (system, key_hash)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE log_shard (
    origin TEXT NOT NULL PRIMARY KEY, batches BIGINT NOT NULL, size BIGINT NOT NULL, time_last BIGINT NOT NULL, frontier BYTEA NOT NULL, owner TEXT NOT NULL,
    owned_at BIGINT NOT NULL, note TEXT NOT NULL, verified_size BIGINT NOT NULL, verified_frontier BYTEA NOT NULL, verified_at BIGINT NOT NULL
);
CREATE TABLE log_entry (
    origin TEXT NOT NULL, idx BIGINT NOT NULL, id TEXT NOT NULL, time BIGINT NOT NULL, entry BYTEA NOT NULL, leaf BYTEA NOT NULL,
    key_ref TEXT, sealed BYTEA,
    PRIMARY KEY (origin, idx)
);
CREATE UNIQUE INDEX log_entry_id ON log_entry (id);
CREATE INDEX log_entry_time ON log_entry (time, origin, idx);
CREATE INDEX log_entry_key ON log_entry (key_ref, origin, idx);
CREATE TABLE log_tile (
    origin TEXT NOT NULL, level BIGINT NOT NULL, idx BIGINT NOT NULL, hashes BYTEA NOT NULL,
    PRIMARY KEY (origin, level, idx)
);
CREATE TABLE audit_key (
    origin TEXT NOT NULL, subject TEXT NOT NULL, wrapped BYTEA NOT NULL, created_at BIGINT NOT NULL,
    PRIMARY KEY (origin, subject)
);
CREATE TABLE checkpoint (
    origin TEXT NOT NULL, size BIGINT NOT NULL, note TEXT NOT NULL, made_at BIGINT NOT NULL,
    PRIMARY KEY (origin, size)
);
