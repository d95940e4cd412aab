-- Who was behind each provider's id when the control plane last ran: a person is one of an issuer, not of an id.
CREATE TABLE issuer (
    provider TEXT NOT NULL PRIMARY KEY,
    issuer   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
