-- Who received something because of a permission, what mailbox notices refer to, and which permissions were warned of or
-- noted as ended. Ids only. The same names stand in ../sqlite/0005_permission_use.sql.
CREATE TABLE permission_use (
    permission TEXT NOT NULL, entry TEXT NOT NULL, system TEXT NOT NULL, agency TEXT NOT NULL, used_at BIGINT NOT NULL,
    PRIMARY KEY (permission, entry)
);
CREATE TABLE notice (
    message TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, refers_to TEXT NOT NULL
);
CREATE TABLE permission_mark (
    permission TEXT NOT NULL, mark TEXT NOT NULL, marked_at BIGINT NOT NULL,
    PRIMARY KEY (permission, mark)
);
