-- What past decisions were made from, so that each can be made again: facts by the counter of changes, what referred to
-- them, the question of each entry (sealed), and every set of sharing rules that decided. The same names stand in
-- ../postgres/0008_decided.sql.
ALTER TABLE fact ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fact_past ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE fact_past ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
CREATE TABLE fact_ref_past (
    ref TEXT NOT NULL, section TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL,
    PRIMARY KEY (ref, section, id, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE decided (
    entry TEXT NOT NULL PRIMARY KEY, body BLOB NOT NULL
) STRICT;
CREATE TABLE policy_set (
    version TEXT NOT NULL PRIMARY KEY, files TEXT NOT NULL, first_used INTEGER NOT NULL
) STRICT;
