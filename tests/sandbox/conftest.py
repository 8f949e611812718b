from __future__ import annotations

import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from django_generic_payments.sandbox import Clock, Sandbox
from django_generic_payments.sandbox.server import SandboxServer

from .client import Api


@pytest.fixture
def clock() -> Clock:
    return Clock(start=1_800_000_000)


@pytest.fixture
def sandbox(clock: Clock) -> Sandbox:
    return Sandbox(clock=clock)


@pytest.fixture
def api(sandbox: Sandbox) -> Api:
    return Api(sandbox)


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    with SandboxServer(sandbox) as server:
        yield server


@pytest.fixture
def session(server: SandboxServer, api: Api) -> dict[str, Any]:
    """An open checkout that a browser can go to."""
    return api.create_session()


@pytest.fixture(scope="session")
def stripe_schema() -> Any:
    """The validator of Stripe's schema, if STRIPE_OPENAPI_DIR says where it is."""
    directory = os.environ.get("STRIPE_OPENAPI_DIR")
    if not directory:
        return None
    location = importlib.util.spec_from_file_location(
        "stripe_openapi_validate", Path(directory, "validate.py")
    )
    assert location
    assert location.loader
    module = importlib.util.module_from_spec(location)
    sys.modules[location.name] = module
    location.loader.exec_module(module)
    return module.StripeSpec.load()


class SchemaObserver:
    """Collect everything in which the sandbox differs from Stripe's schema."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self.problems: list[str] = []
        self._sent = threading.local()

    def request(self, method: str, path: str, body: bytes) -> None:
        self._sent.last = method, path, body

    def response(self, method: str, path: str, status: int, obj: dict[str, Any]) -> None:
        if status < 400:
            self.note(f"request {method} {path}", self.schema.check_request(*self._sent.last))
        if self.schema.operation(method, path):
            self.note(f"response {method} {path}", self.schema.check_response(method, path, status, obj))
        else:
            self.note(f"response {method} {path}", self.schema.check_object(obj, "error"))

    def event(self, event: dict[str, Any]) -> None:
        self.note(f"event {event['type']}", self.schema.check_event(event))

    def note(self, what: str, problems: list[Any]) -> None:
        self.problems += [f"{what}: {problem}" for problem in problems]


# Takes the place of the fixture of that name above: here many requests are wrong on purpose.
@pytest.fixture(autouse=True)
def _agrees_with_the_schema(stripe_schema: Any) -> Iterator[None]:
    if stripe_schema is None:
        yield
        return
    observer = SchemaObserver(stripe_schema)
    Sandbox.observers.append(observer)
    try:
        yield
    finally:
        Sandbox.observers.remove(observer)
    assert observer.problems == []
