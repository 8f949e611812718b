"""A host without accounts, whose tickets have words for keys."""
