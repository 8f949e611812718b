"""The test project on a database that another process has made."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["WORKER_DATABASE"]

# That payments in SQLite are no good idea is no line of the command's own.
SILENCED_SYSTEM_CHECKS = ["generic_payments.W002"]
