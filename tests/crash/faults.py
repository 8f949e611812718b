"""The points at which a process can die, and dying there."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection

from django_generic_payments.exceptions import GatewayUnavailable
from django_generic_payments.gateway import StripeGateway
from tests.postgres.racing import swapped


class Faults:
    """
    Numbers the points that a job passes, and strikes at one of them.

    The points lie before and after each statement, BEGIN, COMMIT and call to Stripe, around each receiver, and before
    the answer. ``kill`` ends the process at once, as the kernel's memory killer does; ``raise`` raises what a database
    or a network that fails at this moment would raise.
    """

    def __init__(self, at: int, mode: str) -> None:
        self.at = at
        self.mode = mode
        self.points: list[str] = []

    @property
    def struck(self) -> bool:
        return 0 < self.at <= len(self.points)

    def reach(self, point: str, error: type[Exception] | None = OperationalError) -> None:
        """Pass a point; ``error`` is what can go wrong there without the process dying."""
        if error is None and self.mode == "raise":
            return
        self.points.append(point)
        if len(self.points) != self.at:
            return
        if self.mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise error(f"The fault that was ordered {point}.")

    @contextmanager
    def around(self, name: str, error: type[Exception] | None = OperationalError) -> Iterator[None]:
        self.reach(f"before {name}", error)
        yield
        # What begins a transaction fails or succeeds: no error can come after it.
        self.reach(f"after {name}", None if name.startswith("BEGIN") else error)

    @contextmanager
    def laid(self) -> Iterator[None]:
        """Lay the points around everything."""
        commit, set_autocommit, call = connection._commit, connection.set_autocommit, StripeGateway._call

        def commit_between_points() -> Any:
            with self.around("COMMIT"):
                return commit()

        def begin_between_points(autocommit: bool, *args: Any, **kwargs: Any) -> Any:
            if autocommit:
                return set_autocommit(autocommit, *args, **kwargs)
            with self.around("BEGIN"):
                return set_autocommit(autocommit, *args, **kwargs)

        @contextmanager
        def call_between_points(gateway: StripeGateway) -> Iterator[None]:
            with self.around("Stripe", GatewayUnavailable), call(gateway):
                yield

        with (
            connection.execute_wrapper(self._statement),
            swapped(connection, "_commit", commit_between_points),
            swapped(connection, "set_autocommit", begin_between_points),
            swapped(StripeGateway, "_call", call_between_points),
        ):
            yield

    def receiver(self, receiver: Callable[..., Any]) -> Callable[..., Any]:
        """Lay points around a receiver."""

        def between_points(**kwargs: Any) -> None:
            with self.around("receiver", RuntimeError):
                receiver(**kwargs)

        return between_points

    def _statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        with self.around(" ".join(sql.split()[:3])):
            return execute(sql, params, many, context)
