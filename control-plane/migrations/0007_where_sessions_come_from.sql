-- One sign-in of one person at an identity provider, and what it left with us. Every session that came of it names it.
CREATE TABLE sign_in (
    id            TEXT    NOT NULL PRIMARY KEY,
    provider      TEXT    NOT NULL,
    person        TEXT    NOT NULL,              -- <provider>:<subject>
    idp_sid       TEXT,                          -- the provider's own session, by which its logout tokens name it
    sealed        BLOB,                          -- the provider's refresh token and ID token, encrypted and bound to this row
    checked_at    INTEGER NOT NULL,              -- when the provider last vouched for the person
    failing_since INTEGER,                       -- since when it could not be asked
    leased_until  INTEGER NOT NULL DEFAULT 0,    -- until when one process has the right to ask
    expires_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_by_idp_sid ON sign_in (provider, idp_sid) WHERE idp_sid IS NOT NULL;
CREATE INDEX sign_in_by_person ON sign_in (person);
CREATE INDEX sign_in_by_end ON sign_in (expires_at);
CREATE INDEX sign_in_by_check ON sign_in (checked_at);

ALTER TABLE session ADD COLUMN sign_in TEXT;        -- where it comes from; none of a built-in account
ALTER TABLE session ADD COLUMN client TEXT;         -- what the client says it is, for people to tell sessions apart
ALTER TABLE session ADD COLUMN address TEXT;        -- where it was begun
ALTER TABLE session ADD COLUMN last_address TEXT;   -- where it was last used
CREATE INDEX session_by_sign_in ON session (sign_in) WHERE sign_in IS NOT NULL;

-- There are more kinds now.
ALTER TABLE session ADD COLUMN held_by TEXT NOT NULL DEFAULT '';
UPDATE session SET held_by = kind;
ALTER TABLE session DROP COLUMN kind;
ALTER TABLE session RENAME COLUMN held_by TO kind;
