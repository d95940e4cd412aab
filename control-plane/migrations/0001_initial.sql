-- Times are seconds since 1970-01-01T00:00:00Z. A *_hash is the SHA-256 of a random secret that only its holder has.

-- One sign-in of one person.
CREATE TABLE session (
    id           TEXT    NOT NULL PRIMARY KEY,
    kind         TEXT    NOT NULL CHECK (kind IN ('browser', 'cli')),
    person       TEXT    NOT NULL,              -- <provider>:<subject>
    identity     TEXT    NOT NULL,              -- JSON: user, uid, email, groups, claims, as the sign-in found them
    auth_time    INTEGER NOT NULL,              -- when the person last proved who they are, as the provider says
    signed_in_at INTEGER NOT NULL,              -- the sign-in that this session comes from
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    tokens_until INTEGER NOT NULL DEFAULT 0,    -- the latest end of a token made from it
    secret_hash  BLOB    UNIQUE,                -- a browser's cookie
    grant_hash   BLOB,                          -- the one request that this sign-in was made for
    ended_at     INTEGER,
    ended_reason TEXT
) STRICT;
CREATE INDEX session_by_person ON session (person, ended_at);
CREATE INDEX session_by_end ON session (expires_at);

-- A spent secret stays good until one of its successors is used.
CREATE TABLE refresh_secret (
    hash          BLOB    NOT NULL PRIMARY KEY,
    session       TEXT    NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    parent        BLOB,
    created_at    INTEGER NOT NULL,
    first_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_secret_by_parent ON refresh_secret (parent);
CREATE INDEX refresh_secret_by_session ON refresh_secret (session);

CREATE TABLE authorization_code (
    hash           BLOB    NOT NULL PRIMARY KEY,
    session        TEXT    NOT NULL REFERENCES session (id) ON DELETE CASCADE,  -- the browser's
    client_id      TEXT    NOT NULL,
    redirect_uri   TEXT    NOT NULL,
    code_challenge TEXT    NOT NULL,
    expires_at     INTEGER NOT NULL,
    spent_at       INTEGER,
    issued_session TEXT                          -- what came of it
) STRICT, WITHOUT ROWID;
CREATE INDEX authorization_code_by_session ON authorization_code (session);

-- A sign-in under way at an identity provider.
CREATE TABLE login_state (
    hash         BLOB    NOT NULL PRIMARY KEY,
    provider     TEXT    NOT NULL,
    browser_hash BLOB    NOT NULL,
    sealed       BLOB    NOT NULL,              -- nonce and PKCE verifier, encrypted and bound to this row
    return_to    TEXT    NOT NULL,
    chosen       INTEGER NOT NULL,              -- 1 when the person chose this on our own page
    expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX login_state_by_end ON login_state (expires_at);

-- Keys that sign session tokens.
CREATE TABLE token_key (
    kid         TEXT    NOT NULL PRIMARY KEY,
    sealed_seed BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    signs_from  INTEGER NOT NULL,               -- published before, so that every gateway has it by then
    retires_at  INTEGER                         -- no longer published after
) STRICT, WITHOUT ROWID;

-- The last version given out of each of the bundle's documents: versions never go back.
CREATE TABLE bundle_version (
    document     TEXT    NOT NULL PRIMARY KEY CHECK (document IN ('policy', 'live')),
    epoch        INTEGER NOT NULL,
    counter      INTEGER NOT NULL,
    content_hash BLOB                           -- what this version says, apart from the version
) STRICT, WITHOUT ROWID;

-- What gateways must refuse before its own end.
CREATE TABLE revocation (
    subject    TEXT    NOT NULL PRIMARY KEY,    -- 'session:<id>' or 'person:<provider>:<subject>'
    not_before INTEGER NOT NULL,                -- of a person: tokens made before this are refused
    until      INTEGER NOT NULL,                -- the end of the last token or stream that it can concern
    reason     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revocation_by_end ON revocation (until);
