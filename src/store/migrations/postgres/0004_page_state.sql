-- What the pages keep of their own: means of signing in, sessions, drafts, requests, concerns. Sealed; the newest version
-- only. The same names stand in ../sqlite/0004_page_state.sql.
CREATE TABLE page_state (
    kind TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, version BIGINT NOT NULL, body BYTEA NOT NULL,
    changed_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX page_state_owner ON page_state (kind, owner, changed_at, id);
CREATE INDEX page_state_expiry ON page_state (expires_at);
