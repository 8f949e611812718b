from __future__ import annotations

import pytest

from django_generic_payments.sandbox import Outcome, Sandbox, SandboxError, Unconfirmed

from .client import Api, line_item

PAID_BY_CARD = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
]


def types(sandbox: Sandbox) -> list[str]:
    return [event["type"] for event in sandbox.events]


def charges(api: Api, intent: str) -> list[dict]:
    return api.get("/v1/charges", {"payment_intent": intent}).obj["data"]


def test_a_card_payment_completes_the_session(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(
        metadata={"order": "7"}, payment_intent_data={"metadata": {"marker": "ours"}, "description": "Tea"}
    )["id"]

    outcome = sandbox.pay(session, email="ada@example.com", name="Ada", phone="+43 1")

    paid, intent = sandbox.checkout_session(session), sandbox.payment_intent(outcome.payment_intent)
    (charge,) = charges(api, intent["id"])
    assert outcome == Outcome(
        "succeeded", session, intent["id"], redirect_url=f"https://shop.example/done?session={session}"
    )
    assert (paid["status"], paid["payment_status"], paid["url"]) == ("complete", "paid", None)
    assert paid["payment_intent"] == intent["id"]
    assert paid["customer_details"]["email"] == "ada@example.com"
    assert paid["customer_details"]["name"] == "Ada"
    assert paid["customer_details"]["phone"] == "+43 1"
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 3998)
    assert intent["latest_charge"] == charge["id"]
    assert (charge["status"], charge["amount"], charge["currency"]) == ("succeeded", 3998, "eur")
    assert charge["balance_transaction"] is None
    assert paid["metadata"] == {"order": "7"}
    assert intent["metadata"] == charge["metadata"] == {"marker": "ours"}
    assert intent["description"] == charge["description"] == "Tea"
    assert types(sandbox) == PAID_BY_CARD


def test_events_show_their_object_as_it_was(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"])

    created, charged, succeeded, completed = (event["data"]["object"] for event in sandbox.events)
    assert (created["status"], created["latest_charge"]) == ("requires_payment_method", None)
    assert succeeded["latest_charge"] == charged["id"]
    assert completed["payment_intent"] == created["id"]


def test_a_decline_leaves_the_session_open_for_another_charge(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]

    declined = sandbox.pay(session, card="4000000000009995")
    intent = sandbox.payment_intent(declined.payment_intent)

    assert (declined.status, declined.redirect_url) == ("declined", "")
    assert (declined.code, declined.decline_code) == ("card_declined", "insufficient_funds")
    assert declined.message == "Your card has insufficient funds."
    assert sandbox.checkout_session(session)["status"] == "open"
    assert sandbox.checkout_session(session)["payment_intent"] == intent["id"]
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    assert intent["last_payment_error"]["decline_code"] == "insufficient_funds"
    assert intent["last_payment_error"]["charge"] == intent["latest_charge"]
    assert types(sandbox) == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]

    paid = sandbox.pay(session)
    intent = sandbox.payment_intent(paid.payment_intent)

    assert paid.payment_intent == declined.payment_intent
    assert intent["last_payment_error"] is None
    assert [charge["status"] for charge in charges(api, intent["id"])] == ["succeeded", "failed"]
    assert types(sandbox)[3:] == PAID_BY_CARD[1:]


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009987", "card_declined", "lost_card"),
        ("4000000000009979", "card_declined", "stolen_card"),
        ("4000000000006975", "card_declined", "card_velocity_exceeded"),
        ("4000000000000069", "expired_card", ""),
        ("4000000000000127", "incorrect_cvc", ""),
        ("4000000000000119", "processing_error", ""),
    ],
)
def test_declines_have_the_codes_of_their_cards(
    api: Api, sandbox: Sandbox, number: str, code: str, decline_code: str
) -> None:
    outcome = sandbox.pay(api.create_session()["id"], card=number)

    (charge,) = charges(api, outcome.payment_intent)
    assert (outcome.status, outcome.code, outcome.decline_code) == ("declined", code, decline_code)
    assert (charge["status"], charge["paid"], charge["failure_code"]) == ("failed", False, code)
    assert charge["outcome"]["type"] == "issuer_declined"
    assert charge["outcome"]["reason"] == decline_code or code


def test_a_payment_blocked_as_fraud_never_reaches_the_bank(api: Api, sandbox: Sandbox) -> None:
    outcome = sandbox.pay(api.create_session()["id"], card="4100000000000019")

    (charge,) = charges(api, outcome.payment_intent)
    assert (charge["outcome"]["type"], charge["outcome"]["network_status"]) == (
        "blocked",
        "not_sent_to_network",
    )


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4242 4242 4242 4241", "incorrect_number", ""),
        ("4242", "incorrect_number", ""),
        ("none", "incorrect_number", ""),
        ("4111111111111111", "card_declined", "test_mode_live_card"),
    ],
)
def test_what_is_no_test_card_is_refused_by_the_form(
    api: Api, sandbox: Sandbox, number: str, code: str, decline_code: str
) -> None:
    session = api.create_session()["id"]

    outcome = sandbox.pay(session, card=number)

    assert (outcome.status, outcome.code, outcome.decline_code) == ("declined", code, decline_code)
    assert outcome.payment_intent == ""
    assert sandbox.events == []
    assert sandbox.checkout_session(session)["payment_intent"] is None


def test_3d_secure_is_asked_for_and_then_pays(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]

    asked = sandbox.pay(session, card="4000002760003184")

    intent = sandbox.payment_intent(asked.payment_intent)
    assert asked.status == "requires_action"
    assert asked.redirect_url == f"https://checkout.sandbox.invalid/c/pay/{session}/authenticate"
    assert (intent["status"], intent["latest_charge"]) == ("requires_action", None)
    assert sandbox.checkout_session(session)["status"] == "open"

    paid = sandbox.authenticate(session)

    (charge,) = charges(api, paid.payment_intent)
    intent = sandbox.payment_intent(paid.payment_intent)
    assert (paid.status, intent["next_action"]) == ("succeeded", None)
    assert charge["payment_method_details"]["card"]["three_d_secure"]["result"] == "authenticated"
    assert types(sandbox) == ["payment_intent.created", "payment_intent.requires_action", *PAID_BY_CARD[1:]]


def test_failed_3d_secure_makes_no_charge(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, card="4000000000003220")

    outcome = sandbox.authenticate(session, success=False)

    intent = sandbox.payment_intent(outcome.payment_intent)
    assert (outcome.status, outcome.code) == ("declined", "payment_intent_authentication_failure")
    assert (intent["status"], intent["next_action"]) == ("requires_payment_method", None)
    assert charges(api, intent["id"]) == []
    assert types(sandbox)[1:] == ["payment_intent.requires_action", "payment_intent.payment_failed"]
    assert sandbox.pay(session).status == "succeeded"


def test_a_card_may_pass_3d_secure_and_be_declined_all_the_same(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, card="4000008260003178")

    outcome = sandbox.authenticate(session)

    assert (outcome.status, outcome.decline_code) == ("declined", "insufficient_funds")
    assert types(sandbox)[-2:] == ["charge.failed", "payment_intent.payment_failed"]


def test_another_card_takes_the_place_of_one_that_waits_for_3d_secure(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, card="4000002760003184")

    assert sandbox.pay(session).status == "succeeded"
    with pytest.raises(SandboxError, match="is complete, not open"):
        sandbox.authenticate(session)


def test_a_debit_completes_the_session_before_it_is_paid(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]

    outcome = sandbox.pay(session, iban="AT61 1904 3002 3457 3201")

    intent = sandbox.payment_intent(outcome.payment_intent)
    (charge,) = charges(api, intent["id"])
    complete = sandbox.checkout_session(session)
    assert (outcome.status, outcome.redirect_url) == (
        "processing",
        f"https://shop.example/done?session={session}",
    )
    assert (complete["status"], complete["payment_status"]) == ("complete", "unpaid")
    assert (intent["status"], intent["amount_received"]) == ("processing", 0)
    assert (charge["status"], charge["paid"]) == ("pending", False)
    assert types(sandbox) == [
        "payment_intent.created",
        "payment_intent.processing",
        "charge.pending",
        "checkout.session.completed",
    ]

    assert sandbox.settle(session).status == "succeeded"

    assert sandbox.checkout_session(session)["payment_status"] == "paid"
    assert sandbox.payment_intent(intent["id"])["amount_received"] == 3998
    assert types(sandbox)[4:] == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ]


def test_a_debit_may_fail_days_later(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, iban="AT611904300234573201")
    sandbox.advance(3 * 24 * 60 * 60)

    outcome = sandbox.settle(session, success=False)

    complete = sandbox.checkout_session(session)
    assert (outcome.status, outcome.code) == ("declined", "insufficient_funds")
    assert (complete["status"], complete["payment_status"]) == ("complete", "unpaid")
    assert sandbox.payment_intent(outcome.payment_intent)["status"] == "requires_payment_method"
    assert types(sandbox)[4:] == [
        "charge.failed",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ]


@pytest.mark.parametrize(
    ("iban", "status"), [("AT321904300235473204", "paid"), ("AT051904300235473205", "unpaid")]
)
def test_some_accounts_settle_by_themselves_after_three_minutes(
    api: Api, sandbox: Sandbox, iban: str, status: str
) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, iban=iban)

    sandbox.advance(179)
    assert len(sandbox.events) == 4
    sandbox.advance(1)

    assert len(sandbox.events) == 7
    assert sandbox.checkout_session(session)["payment_status"] == status


def test_an_account_says_how_it_settles_unless_the_test_does(api: Api, sandbox: Sandbox) -> None:
    failing, told = api.create_session()["id"], api.create_session()["id"]
    for session in (failing, told):
        sandbox.pay(session, iban="AT861904300235473202")

    assert sandbox.settle(failing).status == "declined"
    assert sandbox.settle(told, success=True).status == "succeeded"
    with pytest.raises(SandboxError, match="no payment that waits"):
        sandbox.settle(told)


def test_what_is_no_test_account_is_refused_by_the_form(api: Api, sandbox: Sandbox) -> None:
    outcome = sandbox.pay(api.create_session()["id"], iban="DE00")

    assert (outcome.status, outcome.code, outcome.payment_intent) == ("declined", "invalid_iban", "")


def test_a_customer_is_created_only_if_always_wanted(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(customer_creation="always")["id"]

    outcome = sandbox.pay(session, email="ada@example.com", name="Ada")

    customer = sandbox.customer(sandbox.checkout_session(session)["customer"])
    assert (customer["email"], customer["name"]) == ("ada@example.com", "Ada")
    assert sandbox.payment_intent(outcome.payment_intent)["customer"] == customer["id"]
    assert types(sandbox) == ["payment_intent.created", "customer.created", *PAID_BY_CARD[1:]]


def test_the_email_of_a_known_customer_cannot_be_changed(api: Api, sandbox: Sandbox) -> None:
    customer = api.post("/v1/customers", {"email": "ada@example.com"}).obj["id"]
    session = api.create_session(customer=customer)["id"]

    outcome = sandbox.pay(session, email="typed@example.com")

    assert sandbox.checkout_session(session)["customer_details"]["email"] == "ada@example.com"
    assert charges(api, outcome.payment_intent)[0]["customer"] == customer


def test_the_next_payment_can_be_over_something_else(api: Api, sandbox: Sandbox) -> None:
    session, other = api.create_session()["id"], api.create_session()["id"]

    sandbox.alter_next_payment(amount=100, currency="usd")
    outcome = sandbox.pay(session)

    paid, intent = sandbox.checkout_session(session), sandbox.payment_intent(outcome.payment_intent)
    (charge,) = charges(api, intent["id"])
    assert (paid["amount_total"], paid["currency"]) == (100, "usd")
    assert (intent["amount"], intent["amount_received"], intent["currency"]) == (100, 100, "usd")
    assert (charge["amount"], charge["amount_captured"], charge["currency"]) == (100, 100, "usd")
    assert sandbox.payment_intent(sandbox.pay(other).payment_intent)["amount"] == 3998


def test_expiry_leaves_the_payment_intent_alone(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    intent = sandbox.pay(session, card="4000000000000002").payment_intent

    sandbox.expire(session)

    assert sandbox.payment_intent(intent)["status"] == "requires_payment_method"
    assert types(sandbox)[3:] == ["checkout.session.expired"]


def test_expiry_cancels_the_payment_intent_if_stripe_turns_out_to_do_so(clock) -> None:
    sandbox = Sandbox(clock=clock, unconfirmed=Unconfirmed(cancels_intent_on_expiry=True))
    session, untouched = (Api(sandbox).create_session()["id"] for _ in range(2))
    intent = sandbox.pay(session, card="4000000000000002").payment_intent

    sandbox.expire(session)
    sandbox.expire(untouched)

    assert sandbox.payment_intent(intent)["status"] == "canceled"
    assert types(sandbox)[3:] == [
        "checkout.session.expired",
        "payment_intent.canceled",
        "checkout.session.expired",
    ]


def test_wrong_use_is_told_in_clear_words(api: Api, sandbox: Sandbox) -> None:
    paid, expired, dollars = (
        api.create_session(**changes)["id"]
        for changes in ({}, {}, {"line_items": [line_item(currency="usd")]})
    )
    sandbox.pay(paid)
    sandbox.expire(expired)

    for session, words in [
        (paid, f"{paid} is complete, not open."),
        (expired, f"{expired} is expired, not open."),
        ("cs_unknown", "There is no checkout session cs_unknown."),
    ]:
        with pytest.raises(SandboxError, match=words):
            sandbox.pay(session)
    with pytest.raises(SandboxError, match="does not offer sepa_debit, only card"):
        sandbox.pay(dollars, iban="AT611904300234573201")
    with pytest.raises(SandboxError, match="does not wait for 3D Secure"):
        sandbox.authenticate(dollars)
    with pytest.raises(SandboxError, match="is open, not complete"):
        sandbox.settle(dollars)
    with pytest.raises(SandboxError, match="is complete, not open"):
        sandbox.expire(paid)
    with pytest.raises(SandboxError, match="There is no customer cus_unknown"):
        sandbox.customer("cus_unknown")
    with pytest.raises(ValueError, match="Time only goes forward"):
        sandbox.advance(-1)


def test_copies_are_copies(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(metadata={"order": "7"})["id"]

    sandbox.checkout_session(session)["metadata"]["order"] = "8"

    assert sandbox.checkout_session(session)["metadata"] == {"order": "7"}


def test_a_debit_outlives_the_session_s_time(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, iban="AT611904300234573201")

    sandbox.advance(30 * 24 * 60 * 60)

    assert sandbox.checkout_session(session)["payment_status"] == "unpaid"
    assert len(sandbox.events) == 4
