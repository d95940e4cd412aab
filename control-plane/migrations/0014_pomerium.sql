-- A key signs one type of token: session tokens, or those for pomerium-cli.
ALTER TABLE token_key ADD COLUMN purpose TEXT NOT NULL DEFAULT 'session';

-- Sign-ins of pomerium-cli that came to their end, so that none does twice.
CREATE TABLE pomerium_request (
    id         TEXT    NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL              -- after that it counts no more anyway
) STRICT;
CREATE INDEX pomerium_request_by_end ON pomerium_request (expires_at);

-- What is known of the token of a service account, besides its session.
CREATE TABLE service_account (
    session   TEXT NOT NULL PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
    clusters  TEXT NOT NULL,                 -- a JSON array of names
    issued_by TEXT NOT NULL
) STRICT;
