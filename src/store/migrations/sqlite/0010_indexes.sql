-- Entries by one role, which may be a rare one, in the order of time; facts of a section by the change that wrote them. Found
-- without looking at all others. The same names stand for both engines.
CREATE INDEX log_index_role ON log_index (role, time, origin, idx);
CREATE INDEX fact_since ON fact (section, since);
