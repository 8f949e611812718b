"""How much is tried: everything in CI on PostgreSQL, and a part of what takes longest everywhere else."""

from __future__ import annotations

import os

__all__ = ["IS_THOROUGH"]

IS_THOROUGH = bool(os.environ.get("CI"))
