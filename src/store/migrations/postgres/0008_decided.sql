-- What past decisions were made from, so that each can be made again: facts by the counter of changes, what referred to
-- them, the question of each entry (sealed), and every set of sharing rules that decided. The same names stand in
-- ../sqlite/0008_decided.sql.
ALTER TABLE fact ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fact_past ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
ALTER TABLE fact_past ADD COLUMN until BIGINT NOT NULL DEFAULT 0;
CREATE TABLE fact_ref_past (
    ref TEXT NOT NULL, section TEXT NOT NULL, id TEXT NOT NULL, version BIGINT NOT NULL,
    PRIMARY KEY (ref, section, id, version)
);
CREATE TABLE decided (
    entry TEXT NOT NULL PRIMARY KEY, body BYTEA NOT NULL
);
CREATE TABLE policy_set (
    version TEXT NOT NULL PRIMARY KEY, files TEXT NOT NULL, first_used BIGINT NOT NULL
);
