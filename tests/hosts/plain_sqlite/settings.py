"""A project with SQLite as ``startproject`` sets it up: its transactions lock nothing until they write."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.settings import *  # noqa: F403

_FOLDER = tempfile.TemporaryDirectory()
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",
        # A file, so that it can be opened twice.
        "TEST": {"NAME": str(Path(_FOLDER.name, "test.sqlite3"))},
    }
}
SILENCED_SYSTEM_CHECKS = ["generic_payments.W002"]
