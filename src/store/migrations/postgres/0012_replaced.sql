-- Records that their sender replaced by a later one (R70): the sender's own name of a record, as a keyed hash, and which record stands
-- in its place. The same names stand for both engines.
ALTER TABLE record ADD COLUMN sent_as BYTEA;
ALTER TABLE record ADD COLUMN replaced_by TEXT;
CREATE INDEX record_sent_as ON record (sent_as) WHERE sent_as IS NOT NULL;
