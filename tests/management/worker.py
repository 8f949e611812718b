"""
``manage.py`` of a project whose worker has a chore of its own: files, so that a test sees where the worker is.

A row is a file ``1.row``; the worker makes ``1.taken`` of it, waits for ``1.go`` to appear, and makes ``1.done`` of it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import monotonic, sleep

import django
from django.core.management import execute_from_command_line

FOLDER = Path(os.environ["WORKER_FOLDER"])
PATIENCE = 60


def take() -> Path | None:
    rows = sorted(FOLDER.glob("*.row"))
    return rows[0].rename(rows[0].with_suffix(".taken")) if rows else None


def work(row: Path) -> bool:
    deadline = monotonic() + PATIENCE
    while not row.with_suffix(".go").exists():
        assert monotonic() < deadline
        sleep(0.01)
    row.rename(row.with_suffix(".done"))
    return True


if __name__ == "__main__":
    django.setup()
    from django_generic_payments.maintenance.work import Chore, add_chore

    add_chore(Chore("files", take, work))
    execute_from_command_line(sys.argv)
