"""A host whose every request is a transaction."""
