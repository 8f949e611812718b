"""An account at Stripe: a sandbox, or a real one in test mode if somebody gives its key."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import stripe

from django_generic_payments.sandbox import Sandbox
from tests.in_process import InProcess

__all__ = ["API_VERSION", "KEY", "Account", "InSandbox", "OnStripe", "open_account"]

API_VERSION = "2026-10-28.endive"

#: The environment variable that holds the key of a real account in test mode.
KEY = "STRIPE_CONTRACT_KEY"

#: Seconds for which the real Stripe may take its time.
PATIENCE = 120

Found = TypeVar("Found")


class Account(Protocol):
    """What a contract is tried on."""

    client: stripe.StripeClient

    def eventually(self, look: Callable[[], Found]) -> Found:
        """Look until there is something to see, and return it."""


class InSandbox:
    """A sandbox in this process, whose time passes when it is waited for."""

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self.client = stripe.StripeClient(
            self.sandbox.secret_key, stripe_version=API_VERSION, http_client=InProcess(self.sandbox)
        )

    def eventually(self, look: Callable[[], Found]) -> Found:
        """Let a minute pass at a time."""
        for _ in range(10):
            if seen := look():
                return seen
            self.sandbox.advance(60)
        raise AssertionError("Ten minutes later there is still nothing to see.")


class OnStripe:
    """An account in Stripe's test mode."""

    def __init__(self, key: str) -> None:
        self.client = stripe.StripeClient(key, stripe_version=API_VERSION, max_network_retries=2)

    def eventually(self, look: Callable[[], Found]) -> Found:
        """Look again every two seconds."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if seen := look():
                return seen
            time.sleep(2)
        raise AssertionError(f"After {PATIENCE} seconds there is still nothing to see.")


def open_account(environment: Mapping[str, str] = os.environ) -> Account:
    """Return what the contract is tried on.

    Raises:
        ValueError: for a key that is not one of test mode, and for any key in CI.
    """
    key = environment.get(KEY, "")
    if not key:
        return InSandbox()
    if environment.get("CI"):
        raise ValueError(f"{KEY} is set in CI, which must not depend on anybody's account.")
    if not key.startswith(("sk_test_", "rk_test_")):
        raise ValueError(f"{KEY} holds no key of test mode: those begin with sk_test_ or rk_test_.")
    return OnStripe(key)
