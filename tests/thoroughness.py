"""How much is tried: everything in the whole cells of CI, and a part of what takes longest elsewhere."""

from __future__ import annotations

import os

__all__ = ["IS_THOROUGH"]

IS_THOROUGH = bool(os.environ.get("CI"))
