from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from django_generic_payments.sandbox import Clock, Sandbox
from django_generic_payments.sandbox.server import SandboxServer
from tests.stripe_schema import agreement, load

from .client import Api
from .receiver import Receiver


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


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook endpoint over real HTTP."""
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=[0.01])
        thread.start()
        yield receiver
        receiver.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def stripe_schema() -> Any:
    """The validator of Stripe's schema, if it is on this machine."""
    return load()


# Takes the place of the fixture of that name above: here many requests are wrong on purpose.
@pytest.fixture(autouse=True)
def _agrees_with_the_schema() -> Iterator[None]:
    with agreement(accepted_only=True):
        yield
