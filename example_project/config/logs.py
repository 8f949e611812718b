"""How the site writes its log in production."""

from __future__ import annotations

import logging


class OneLine(logging.Formatter):
    """Write a record on one line, with its traceback: hosts take every line for a record of its own."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")
