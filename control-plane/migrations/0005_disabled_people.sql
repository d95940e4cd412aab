-- People who may not sign in.
CREATE TABLE disabled_person (
    person      TEXT    NOT NULL PRIMARY KEY,   -- <provider>:<subject>
    user        TEXT,                           -- the person's user name, as far as it was known
    reason      TEXT    NOT NULL,
    disabled_by TEXT    NOT NULL,               -- an administrator's user name
    disabled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX disabled_person_by_user ON disabled_person (user);
