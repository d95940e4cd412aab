-- What identity providers push by SCIM (RFC 7643): people, groups, and who is in which.
CREATE TABLE scim_user (
    provider    TEXT    NOT NULL,
    id          TEXT    NOT NULL PRIMARY KEY,   -- ours
    user_key    TEXT    NOT NULL,               -- userName in lower case: SCIM does not tell them apart by case
    external_id TEXT,                           -- as it stands: this one is told apart by case
    email_key   TEXT,                           -- the one address that may link, in lower case
    active      INTEGER NOT NULL,
    resource    TEXT    NOT NULL,               -- JSON: what we keep of it
    created_at  INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    UNIQUE (provider, user_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_user_by_external_id ON scim_user (provider, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX scim_user_by_email ON scim_user (provider, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX scim_user_by_id ON scim_user (provider, id);

CREATE TABLE scim_group (
    provider     TEXT    NOT NULL,
    id           TEXT    NOT NULL PRIMARY KEY,  -- ours
    display_name TEXT    NOT NULL,              -- becomes the group's name
    name_key     TEXT    NOT NULL,              -- the same in lower case: no two groups share it
    external_id  TEXT,
    created_at   INTEGER NOT NULL,
    modified_at  INTEGER NOT NULL,
    UNIQUE (provider, name_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_group_by_external_id ON scim_group (provider, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX scim_group_by_id ON scim_group (provider, id);

-- A member is a user or a group of the same provider.
CREATE TABLE scim_member (
    provider TEXT NOT NULL,
    group_id TEXT NOT NULL REFERENCES scim_group (id) ON DELETE CASCADE,
    member   TEXT NOT NULL,
    PRIMARY KEY (group_id, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_member_by_member ON scim_member (member);

-- Which people who have signed in a value of the linking attribute means.
CREATE TABLE scim_person (
    person   TEXT NOT NULL PRIMARY KEY,         -- <provider>:<subject>
    provider TEXT NOT NULL,
    link     TEXT NOT NULL                      -- the claim's value at the last sign-in, as it is compared
) STRICT, WITHOUT ROWID;
CREATE INDEX scim_person_by_link ON scim_person (provider, link);

-- How each provider's pushing goes.
CREATE TABLE scim_push (
    provider  TEXT    NOT NULL PRIMARY KEY,
    pushed_at INTEGER,                          -- the last push that went well
    failed_at INTEGER,                          -- the last one that was refused
    failure   TEXT                              -- why
) STRICT, WITHOUT ROWID;
