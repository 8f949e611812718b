"""Stripe's schema, and whoever holds the sandbox against it."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django_generic_payments.sandbox import Sandbox

__all__ = ["FOLDER", "agreement", "load"]

#: The environment variable that says where the schema and its validator are.
FOLDER = "STRIPE_OPENAPI_DIR"


@functools.cache
def load() -> Any:
    """Return the schema, or None if there is none on this machine."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return None
    spec = importlib.util.spec_from_file_location("stripe_openapi_validate", Path(folder) / "validate.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.StripeSpec.load()


@contextmanager
def agreement(*, accepted_only: bool = False) -> Iterator[None]:
    """
    Fail if any sandbox was asked, or said, what Stripe would not.

    ``accepted_only`` spares the requests that it refused: there they are wrong on purpose.
    """
    schema = load()
    if schema is None:
        yield
        return
    observer = _Observer(schema, accepted_only)
    Sandbox.observers.append(observer)
    try:
        yield
    finally:
        Sandbox.observers.remove(observer)
    assert not observer.problems, "\n".join(observer.problems)


class _Observer:
    def __init__(self, schema: Any, accepted_only: bool) -> None:
        self.problems: list[str] = []
        self._schema = schema
        self._accepted_only = accepted_only
        self._sent = threading.local()

    def request(self, method: str, path: str, body: bytes) -> None:
        self._sent.last = method, path, body or ""
        if not self._accepted_only:
            self._note(f"{method} {path}", self._schema.check_request(*self._sent.last))

    def response(self, method: str, path: str, status: int, obj: dict[str, Any]) -> None:
        where = f"{method} {path} -> {status}"
        if self._accepted_only and status < 400:
            self._note(where, self._schema.check_request(*self._sent.last))
        events, rest = _take_events(obj)
        for event in events:
            self.event(event)
        if rest is None:
            return
        if self._schema.operation(method, path):
            self._note(where, self._schema.check_response(method, path, status, rest))
        else:
            self._note(where, self._schema.check_object(rest, "error"))

    def event(self, event: dict[str, Any]) -> None:
        self._note(event["type"], self._schema.check_event(event))

    def _note(self, where: str, problems: list[Any]) -> None:
        self.problems += [f"{where}: {problem}" for problem in problems]


def _take_events(obj: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """
    Return the events in an answer, and what else there is of it.

    Where an event stands in an answer, the schema takes its previous attributes for a whole object.
    """
    if obj.get("object") == "event":
        return [obj], None
    if obj.get("object") != "list" or not obj["data"] or obj["data"][0]["object"] != "event":
        return [], obj
    return obj["data"], {**obj, "data": []}
