-- A machine without a browser that asks for a session (RFC 8628). The session comes from the browser that allows it.
CREATE TABLE device_grant (
    hash            BLOB    NOT NULL PRIMARY KEY,  -- of the device code
    user_code       BLOB    NOT NULL UNIQUE,       -- of the user code, keyed: it is too short for a plain hash
    resource        TEXT,                          -- the cluster that a token is wanted for
    device          TEXT,                          -- what the client says it runs on
    client          TEXT,                          -- what the client says it is
    address         TEXT    NOT NULL,              -- where it asked from
    network         TEXT    NOT NULL,              -- the same, as it is counted
    provider        TEXT,                          -- whom it would have the person sign in with
    acr_values      TEXT,                          -- what the sign-in must show
    max_age         TEXT,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    poll_seconds    INTEGER NOT NULL,              -- how long the client must wait between two questions
    polled_at       INTEGER NOT NULL,
    decided_at      INTEGER,
    allowed_by      TEXT REFERENCES session (id) ON DELETE CASCADE,  -- the browser's session; none when it was denied
    spent_at        INTEGER,
    issued_session  TEXT
) STRICT;
CREATE INDEX device_grant_by_end ON device_grant (expires_at);
CREATE INDEX device_grant_by_network ON device_grant (network);
CREATE INDEX device_grant_by_session ON device_grant (allowed_by) WHERE allowed_by IS NOT NULL;
