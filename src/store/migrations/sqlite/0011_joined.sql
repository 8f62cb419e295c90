-- Two people of the index who were one: the row that stays behind points to the other; a record whose people changed is read
-- anew by whoever remembers it. The same names stand for both engines.
ALTER TABLE person ADD COLUMN joined_to TEXT;
CREATE INDEX person_joined_to ON person (joined_to) WHERE joined_to IS NOT NULL;
ALTER TABLE record ADD COLUMN joins INTEGER NOT NULL DEFAULT 0;
