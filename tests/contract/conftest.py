"""The contract with Stripe, written against its SDK alone.

Every test stands on a page of Stripe's documentation and names it. Without a key they are tried on the sandbox.
To try them on Stripe itself, set STRIPE_CONTRACT_KEY to a key of test mode: they leave customers, payments and
refunds of a few euros behind there, and delete the webhook endpoints that they make.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from tests.stripe_schema import agreement

from .account import Account, open_account


@pytest.fixture
def account() -> Account:
    return open_account()


@pytest.fixture
def client(account: Account) -> stripe.StripeClient:
    return account.client


# Takes the place of the fixture of that name above: here many requests are wrong on purpose.
@pytest.fixture(autouse=True)
def _agrees_with_the_schema() -> Iterator[None]:
    with agreement(accepted_only=True):
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a claim that does not say what it stands on."""
    for item in items:
        if item.path.parent.name != "contract" or not isinstance(item, pytest.Function):
            continue
        if "https://docs.stripe.com/" not in (item.function.__doc__ or ""):
            raise pytest.UsageError(f"{item.nodeid} does not name the page of docs.stripe.com it stands on.")
