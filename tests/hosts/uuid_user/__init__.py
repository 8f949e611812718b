"""A host whose users have UUIDs for keys, and no e-mail addresses."""
