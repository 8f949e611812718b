from __future__ import annotations

from tests.maintenance.conftest import trouble

__all__ = ["trouble"]
