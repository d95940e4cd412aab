-- However many successors a secret has, whether one of them was used is found in one step.
DROP INDEX refresh_secret_by_parent;
CREATE INDEX refresh_secret_by_parent ON refresh_secret (parent, first_used_at);
