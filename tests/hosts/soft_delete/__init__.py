"""A host that hides what was deleted, and deletes nothing."""
