"""Whatever the SDK raises becomes one of our errors."""

from __future__ import annotations

import traceback

import pytest
import stripe as sdk

from django_generic_payments.exceptions import (
    GatewayError,
    GatewayMisconfigured,
    GatewayRefused,
    GatewayUnavailable,
    GenericPaymentsError,
)
from django_generic_payments.gateway.errors import TRANSLATIONS, translated_errors

pytestmark = pytest.mark.core

REFUSED = {sdk.CardError, sdk.IdempotencyError, sdk.InvalidRequestError}
MISCONFIGURED = {sdk.AuthenticationError, sdk.PermissionError}


def descendants(cls):
    for child in cls.__subclasses__():
        yield child
        yield from descendants(child)


ALL = sorted({sdk.StripeError, *descendants(sdk.StripeError)}, key=lambda cls: cls.__name__)


def make(cls, message="Something happened.", **kwargs):
    error = cls.__new__(cls)
    sdk.StripeError.__init__(error, message, **kwargs)
    return error


def translate(error):
    with pytest.raises(GatewayError) as raised, translated_errors():
        raise error
    return raised.value


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_every_error_of_the_sdk_becomes_one_of_ours(cls):
    original = make(cls)

    ours = translate(original)

    assert ours.__cause__ is original
    assert isinstance(ours, GenericPaymentsError)
    assert type(ours) in {GatewayRefused, GatewayMisconfigured, GatewayUnavailable}


@pytest.mark.parametrize("cls", ALL, ids=lambda cls: cls.__name__)
def test_only_what_stripe_certainly_refused_counts_as_refused(cls):
    """An outcome that is not known is never taken for a failure: money could be lost by it."""
    kinds = set(cls.__mro__)
    expected = (
        GatewayRefused
        if kinds & REFUSED
        else GatewayMisconfigured
        if kinds & MISCONFIGURED
        else GatewayUnavailable
    )

    assert type(translate(make(cls))) is expected


def test_the_errors_of_the_sdk_are_found():
    assert len(ALL) > 10
    assert set(TRANSLATIONS) <= set(ALL)


def test_an_error_that_stripe_adds_tomorrow_is_an_unknown_outcome():
    class TomorrowsError(sdk.StripeError):
        pass

    assert type(translate(make(TomorrowsError))) is GatewayUnavailable


def test_a_new_kind_of_a_known_error_is_that_error():
    class StrangeCardError(sdk.CardError):
        pass

    assert type(translate(make(StrangeCardError))) is GatewayRefused


@pytest.mark.parametrize(
    "secret",
    [
        "canary@example.com",
        "canary+tag@example.co.uk",
        "sk_test_canary123",
        "sk_live_canary123",
        "rk_live_canary123",
        "pk_live_canary123",
        "whsec_canary123",
        "sk_test_*********nary",
        "pi_123_secret_canary123",
        "cs_test_123_secret_canary123",
    ],
)
@pytest.mark.parametrize(
    "text", ["Invalid: {}", "{}", "'{}' is not valid.", "a {}, b", "({})", "<{}>", "key={}"]
)
def test_no_address_and_no_key_is_in_the_message(text, secret):
    ours = translate(make(sdk.InvalidRequestError, text.format(secret)))

    assert "nary" not in str(ours)
    assert "nary" not in repr(ours)


def test_the_rest_of_the_message_is_kept():
    ours = translate(
        make(sdk.InvalidRequestError, "Amount must be at least £0.30 gbp for canary@example.com today")
    )

    assert str(ours) == "Amount must be at least £0.30 gbp for … today"


def test_an_error_without_a_message_is_called_by_its_class():
    assert str(translate(make(sdk.APIConnectionError, ""))) in {"APIConnectionError", "<empty message>"}


def test_code_and_parameter_are_those_of_stripe():
    body = {"error": {"type": "invalid_request_error", "code": "resource_missing", "param": "customer"}}

    ours = translate(make(sdk.InvalidRequestError, "No such customer", json_body=body))

    assert (ours.code, ours.param) == ("resource_missing", "customer")


def test_without_a_code_the_type_will_do():
    ours = translate(make(sdk.APIError, "Oh", json_body={"error": {"type": "api_error"}}))

    assert (ours.code, ours.param) == ("api_error", "")


@pytest.mark.parametrize("body", [None, {}, [], "text", {"error": "text"}, {"error": None}, {"error": []}])
def test_an_answer_that_is_no_error_envelope_is_an_error_all_the_same(body):
    ours = translate(make(sdk.APIError, "Oh", json_body=body))

    assert type(ours) is GatewayUnavailable
    assert ours.code == ""


@pytest.mark.parametrize("error", [ValueError("ours"), KeyboardInterrupt()])
def test_other_errors_pass_through(error):
    with pytest.raises(type(error)) as raised, translated_errors():
        raise error

    assert raised.value is error


def test_no_error_is_none():
    with translated_errors():
        done = True

    assert done


def test_what_is_redacted_is_in_no_traceback_either():
    try:
        with translated_errors():
            raise make(sdk.InvalidRequestError, "Invalid email address: canary@example.com")
    except GatewayRefused as error:
        printed = "".join(traceback.format_exception(error))

    assert "Invalid email address" in printed
    assert "canary" not in printed
