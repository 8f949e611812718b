"""The example project, for the tests that run it, and what it needs beside the package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

__all__ = ["EXAMPLE", "needs_example"]

EXAMPLE = Path(__file__).parents[1] / "example_project"

_NEEDED = ("corsheaders", "drf_spectacular_sidecar", "environ", "rest_framework", "standardwebhooks")
_MISSING = [name for name in _NEEDED if find_spec(name) is None]

#: Skips a test where the dependency group ``example`` is not installed.
needs_example = pytest.mark.skipif(
    bool(_MISSING) or not EXAMPLE.is_dir(),
    reason="the dependency group example is not installed"
    if EXAMPLE.is_dir()
    else "example_project/ is part of the repository alone",
)
