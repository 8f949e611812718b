"""HTTP headers, whose names are the same in upper and lower case."""

from __future__ import annotations

from typing import Any

__all__ = ["Headers"]


class Headers(dict[str, str]):
    """A dict of headers that finds `request-id` under `Request-Id`, as every HTTP client does."""

    def __missing__(self, name: str) -> str:
        """Look for a name that is spelt differently."""
        for known, value in self.items():
            if known.lower() == name.lower():
                return value
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a header."""
        return isinstance(name, str) and name.lower() in map(str.lower, self)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a header, or the default."""
        try:
            return self[name]
        except KeyError:
            return default
