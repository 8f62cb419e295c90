-- What the pages keep of their own: means of signing in, sessions, drafts, requests, concerns. Sealed; the newest version
-- only. The same names stand in ../postgres/0004_page_state.sql.
CREATE TABLE page_state (
    kind TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    changed_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX page_state_owner ON page_state (kind, owner, changed_at, id);
CREATE INDEX page_state_expiry ON page_state (expires_at);
