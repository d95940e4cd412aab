-- A workload's own token, and the session that it was traded for: shown again, it gives no second one.
CREATE TABLE workload_token (
    hash    BLOB NOT NULL PRIMARY KEY,
    session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX workload_token_by_session ON workload_token (session);
