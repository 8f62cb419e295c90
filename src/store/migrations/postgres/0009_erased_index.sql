-- Every question counts the entries of its span that lost their sealed part: few, and found without looking at all others.
-- The same names stand for both engines.
CREATE INDEX log_index_erased ON log_index (time) WHERE (flags & 512) <> 0;
