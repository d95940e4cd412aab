-- Extra groups of one person on one cluster for a while.
CREATE TABLE elevation (
    id         TEXT    NOT NULL PRIMARY KEY,
    person     TEXT    NOT NULL,                -- <provider>:<subject>
    user       TEXT,                            -- the person's user name, as far as it was known
    cluster    TEXT    NOT NULL,
    groups     TEXT    NOT NULL,                -- JSON: a list of names
    reason     TEXT    NOT NULL,
    granted_by TEXT    NOT NULL,                -- an administrator's user name
    granted_at INTEGER NOT NULL,
    until      INTEGER NOT NULL,                -- brought forward when somebody ends it
    ended_by   TEXT                             -- who ended it before its time
) STRICT, WITHOUT ROWID;
CREATE INDEX elevation_by_end ON elevation (until);
CREATE INDEX elevation_by_person ON elevation (person, until);

-- People are found by their user name too.
CREATE INDEX session_by_user ON session (json_extract(identity, '$.user'));
