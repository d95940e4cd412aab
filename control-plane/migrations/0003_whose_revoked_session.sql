-- Of a revoked session: whose it was, so that many of one person become one entry.
ALTER TABLE revocation ADD COLUMN session_of TEXT;
CREATE INDEX revocation_by_person ON revocation (session_of) WHERE session_of IS NOT NULL;
