from __future__ import annotations

import pytest

from .account import InSandbox, OnStripe, open_account


def test_without_a_key_the_contract_is_tried_on_the_sandbox() -> None:
    """https://docs.stripe.com/keys"""
    assert isinstance(open_account({"CI": "true"}), InSandbox)


def test_a_key_of_test_mode_is_used() -> None:
    """https://docs.stripe.com/keys#test-live-modes"""
    assert isinstance(open_account({"STRIPE_CONTRACT_KEY": "sk_test_x"}), OnStripe)


@pytest.mark.parametrize(
    "environment",
    [
        {"STRIPE_CONTRACT_KEY": "sk_live_x"},
        {"STRIPE_CONTRACT_KEY": "pk_test_x"},
        {"STRIPE_CONTRACT_KEY": "sk_test_x", "CI": "true"},
    ],
)
def test_no_other_key_is(environment: dict[str, str]) -> None:
    """https://docs.stripe.com/keys#test-live-modes"""
    with pytest.raises(ValueError, match="STRIPE_CONTRACT_KEY") as raised:
        open_account(environment)

    assert environment["STRIPE_CONTRACT_KEY"] not in str(raised.value)
