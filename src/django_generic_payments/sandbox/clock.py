"""The time at Stripe, which a test may move."""

from __future__ import annotations

import time

__all__ = ["Clock"]


class Clock:
    """Tell the time in the sandbox.

    Args:
        start: unix seconds at which the clock stands still. Without it the clock runs with real time.
    """

    def __init__(self, start: int | None = None) -> None:
        self._start = start
        self._advanced = 0

    def now(self) -> int:
        """Return the time in unix seconds."""
        return (int(time.time()) if self._start is None else self._start) + self._advanced

    @property
    def advanced(self) -> int:
        """Seconds that it is ahead of where it started, or of real time."""
        return self._advanced

    def advance(self, seconds: int) -> None:
        """Move the clock forward.

        Raises:
            ValueError: for a negative number of seconds, because time only goes forward.
        """
        if seconds < 0:
            raise ValueError(f"Time only goes forward: cannot advance by {seconds} seconds.")
        self._advanced += seconds
