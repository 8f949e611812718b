"""The test project with a database of its own, in which processes may die, and a sandbox in another process."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, GENERIC_PAYMENTS

DATABASES["default"]["NAME"] = os.environ["CRASH_DATABASE"]

GENERIC_PAYMENTS = {
    **GENERIC_PAYMENTS,
    "STRIPE_SECRET_KEY": os.environ["CRASH_SECRET_KEY"],
    "STRIPE_WEBHOOK_SECRET": os.environ["CRASH_WEBHOOK_SECRET"],
    "STRIPE_API_BASE": os.environ["CRASH_API_BASE"],
}
