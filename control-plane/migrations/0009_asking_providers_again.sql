-- When a sign-in was, and when its provider is to be asked about it again.
ALTER TABLE sign_in ADD COLUMN signed_in_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sign_in ADD COLUMN next_check_at INTEGER NOT NULL DEFAULT 0;
DROP INDEX sign_in_by_check;
CREATE INDEX sign_in_by_next_check ON sign_in (provider, next_check_at);

-- Logout tokens of providers that were obeyed, until they are too old to be taken again.
CREATE TABLE logout_token (
    provider TEXT    NOT NULL,
    jti      BLOB    NOT NULL,                   -- its SHA-256
    until    INTEGER NOT NULL,
    PRIMARY KEY (provider, jti)
) STRICT, WITHOUT ROWID;
CREATE INDEX logout_token_by_end ON logout_token (until);
