"""How much is tried: everything in CI, and a part of what takes longest where somebody waits for the tests."""

from __future__ import annotations

import os

__all__ = ["IS_THOROUGH"]

IS_THOROUGH = bool(os.environ.get("CI"))
