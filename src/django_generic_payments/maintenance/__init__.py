"""What looks after the books: called by the commands, and harmless to run at any time."""

from __future__ import annotations
