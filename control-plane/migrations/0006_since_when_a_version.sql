-- When the version was first given out, which a restart does not change. Of those there it is known no longer: now.
ALTER TABLE bundle_version ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
UPDATE bundle_version SET since = unixepoch();
