"""Payments without a checkout session, and holds with and without one."""

from __future__ import annotations

from typing import Any

import pytest

from django_generic_payments.sandbox import Sandbox, SandboxError

from .client import Answer, Api, line_item

INTENTS = "/v1/payment_intents"
WEEK = 7 * 24 * 60 * 60
WAY_BACK = "https://a.example/"
HELD = {"payment_intent_data": {"capture_method": "manual"}}


def create(api: Api, **params: Any) -> Answer:
    back = {"return_url": WAY_BACK} if params.get("confirm") else {}
    return api.post(INTENTS, {"amount": 2000, "currency": "eur", **back, **params})


def pay(api: Api, card: str = "pm_card_visa", **params: Any) -> Answer:
    return create(api, payment_method=card, confirm=True, **params)


def types(sandbox: Sandbox, start: int = 0) -> list[str]:
    return [event["type"] for event in sandbox.events][start:]


def charge_of(api: Api, intent: str) -> dict[str, Any]:
    return api.get(f"{INTENTS}/{intent}", {"expand": ["latest_charge"]}).obj["latest_charge"]


def test_a_payment_tells_the_same_as_one_through_checkout(api: Api, sandbox: Sandbox) -> None:
    paid = pay(api, metadata={"row": "7"})

    assert types(sandbox) == ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    assert {event["request"]["id"] for event in sandbox.events} == {paid.headers["Request-Id"]}
    sandbox.advance(60)
    assert types(sandbox, 3) == ["charge.updated"]
    assert sandbox.events[3]["request"] == {"id": None, "idempotency_key": None}


def test_a_decline_answers_402_and_keeps_the_intent(api: Api, sandbox: Sandbox) -> None:
    declined = pay(api, "pm_card_visa_chargeDeclinedInsufficientFunds")

    error = declined.error
    assert (declined.status, error["type"], error["code"]) == (402, "card_error", "card_declined")
    assert error["decline_code"] == "insufficient_funds"
    assert error["charge"] == error["payment_intent"]["latest_charge"]
    assert error["payment_method"]["card"]["last4"] == "9995"
    assert types(sandbox) == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]


def test_a_402_is_kept_under_its_key(api: Api, sandbox: Sandbox) -> None:
    params = {
        "amount": 2000,
        "currency": "eur",
        "payment_method": "pm_card_visa_chargeDeclined",
        "confirm": True,
    }
    params["return_url"] = WAY_BACK
    first, again = api.post(INTENTS, params, key="k"), api.post(INTENTS, params, key="k")

    assert (again.status, again.obj) == (402, first.obj)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert types(sandbox).count("charge.failed") == 1


def test_3d_secure_is_finished_by_the_payer(api: Api, sandbox: Sandbox) -> None:
    intent = pay(api, "pm_card_authenticationRequired").obj

    outcome = sandbox.authenticate(intent["id"])

    assert (intent["status"], outcome.status, outcome.checkout_session) == (
        "requires_action",
        "succeeded",
        "",
    )
    assert types(sandbox) == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    assert sandbox.events[-1]["request"]["id"] is None


def test_who_has_a_way_back_is_sent_to_3d_secure(api: Api) -> None:
    card = "pm_card_authenticationRequired"

    sent, shown = pay(api, card).obj["next_action"], pay(api, card, use_stripe_sdk=True).obj["next_action"]

    assert (sent["type"], sent["redirect_to_url"]["return_url"]) == ("redirect_to_url", WAY_BACK)
    assert sent["redirect_to_url"]["url"].endswith("/authenticate")
    assert shown["type"] == "use_stripe_sdk"


def test_3d_secure_that_fails_leaves_the_intent_open(api: Api, sandbox: Sandbox) -> None:
    intent = pay(api, "pm_card_authenticationRequired").obj["id"]

    assert sandbox.authenticate(intent, success=False).status == "declined"
    assert sandbox.payment_intent(intent)["status"] == "requires_payment_method"
    with pytest.raises(SandboxError, match="does not wait for 3D Secure"):
        sandbox.authenticate(intent)


@pytest.mark.parametrize("params", [{"off_session": True}, {"error_on_requires_action": True}])
def test_nobody_is_asked_for_3d_secure_who_is_away(api: Api, params: dict[str, Any]) -> None:
    refused = pay(api, "pm_card_authenticationRequired", **params)

    assert (refused.status, refused.error["code"]) == (402, "authentication_required")


def test_a_card_may_be_set_up_for_payments_without_its_owner(api: Api) -> None:
    card = "pm_card_authenticationRequiredSetupForOffSession"

    assert pay(api, card).obj["status"] == "requires_action"
    assert pay(api, card, off_session=True).obj["status"] == "succeeded"


def test_a_debit_settles_by_itself_if_it_is_told_when(api: Api, clock) -> None:
    sandbox = Sandbox(clock=clock, settle_after=100)
    session = Api(sandbox).create_session()["id"]
    sandbox.pay(session, iban="AT611904300234573201")

    sandbox.advance(99)
    before = sandbox.checkout_session(session)["payment_status"]
    sandbox.advance(1)

    assert (before, sandbox.checkout_session(session)["payment_status"]) == ("unpaid", "paid")


def test_an_intent_grows_step_by_step(api: Api) -> None:
    made = create(api).obj
    path = f"{INTENTS}/{made['id']}"
    changed = api.post(path, {"amount": 2500, "description": "Deposit", "metadata": {"a": "1"}}).obj
    chosen = api.post(path, {"payment_method": "pm_card_visa"}).obj
    paid = api.post(f"{path}/confirm", {"return_url": WAY_BACK}).obj
    described = api.post(path, {"description": "", "metadata": {"b": "2"}}).obj

    assert [each["status"] for each in (made, changed, chosen, paid)] == [
        "requires_payment_method",
        "requires_payment_method",
        "requires_confirmation",
        "succeeded",
    ]
    assert (paid["amount_received"], described["description"]) == (2500, None)
    assert described["metadata"] == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({"amount": None}, "amount", "parameter_missing"),
        ({"currency": None}, "currency", "parameter_missing"),
        ({"currency": "xxx"}, "currency", None),
        ({"amount": 10}, "amount", "amount_too_small"),
        ({"amount": 10**12}, "amount", "amount_too_large"),
        ({"amount": 0}, "amount", "parameter_invalid_integer"),
        ({"amount": "12.50"}, "amount", "parameter_invalid_integer"),
        ({"amount": 1001, "currency": "kwd"}, "amount", None),
        ({"payment_method": "pm_card_nobody"}, "payment_method", "resource_missing"),
        ({"customer": "cus_nobody"}, "customer", "resource_missing"),
        ({"payment_method_types": ["card"]}, "payment_method_types", "parameter_unknown"),
        ({"allowed_payment_method_types": ["ideal"]}, "allowed_payment_method_types", None),
        ({"off_session": True}, "off_session", None),
        ({"return_url": WAY_BACK}, "return_url", None),
        ({"metadata": {"a[b]": "c"}}, "metadata", None),
        ({"transfer_data": {"destination": "acct_1"}}, "transfer_data", None),
        ({"confirmation_method": "manual"}, "confirmation_method", None),
        ({"expand": ["amount"]}, "expand[0]", None),
    ],
)
def test_what_makes_no_intent_is_refused(
    api: Api, params: dict[str, Any], param: str, code: str | None
) -> None:
    wanted = {"amount": 2000, "currency": "eur", **params}
    refused = api.post(INTENTS, {name: value for name, value in wanted.items() if value is not None})

    assert (refused.status, refused.error["param"], refused.error.get("code")) == (400, param, code)
    assert api.get(INTENTS).obj["data"] == []


def test_who_is_sent_elsewhere_needs_a_way_back(api: Api) -> None:
    params = {"amount": 2000, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}

    refused = api.post(INTENTS, params)
    never = api.post(
        INTENTS, {**params, "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )

    assert refused.status == 400
    assert "return_url" in refused.error["message"]
    assert never.obj["status"] == "succeeded"


@pytest.mark.parametrize("name", ["off_session", "use_stripe_sdk", "error_on_requires_action"])
def test_who_is_sent_nowhere_needs_no_way_back(api: Api, name: str) -> None:
    params = {"amount": 2000, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}

    assert api.post(INTENTS, {**params, name: True}).obj["status"] == "succeeded"
    assert api.post(INTENTS, {**params, name: False}).status == 400


def test_nothing_is_confirmed_without_a_payment_method(api: Api) -> None:
    intent = create(api).obj["id"]

    refused = api.post(f"{INTENTS}/{intent}/confirm")

    assert (refused.status, refused.error["code"]) == (400, "payment_intent_unexpected_state")
    assert "missing a payment method" in refused.error["message"]


@pytest.mark.parametrize("what", ["confirm", "cancel", "capture", "update"])
def test_what_is_over_stays_over(api: Api, what: str) -> None:
    path = f"{INTENTS}/{pay(api).obj['id']}"

    refused = api.post(path, {"amount": 100}) if what == "update" else api.post(f"{path}/{what}")

    assert (refused.status, refused.error["code"]) == (400, "payment_intent_unexpected_state")


@pytest.mark.parametrize("what", ["confirm", "cancel"])
def test_the_intent_of_a_session_is_the_session_s(api: Api, sandbox: Sandbox, what: str) -> None:
    session = api.create_session()["id"]
    intent = sandbox.pay(session, card="4000000000000002").payment_intent

    refused = api.post(f"{INTENTS}/{intent}/{what}")

    assert refused.status == 400
    assert "expire the Checkout Session" in refused.error["message"]


def test_another_customer_s_card_is_refused(api: Api) -> None:
    ada, bob = (api.post("/v1/customers", {"name": name}).obj["id"] for name in ("Ada", "Bob"))
    card = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ada}).obj["id"]

    assert pay(api, card, customer=bob).error["param"] == "payment_method"
    assert pay(api, card).error["param"] == "payment_method"
    assert pay(api, card, customer=ada).obj["status"] == "succeeded"


def test_a_card_is_kept_if_that_is_asked_for(api: Api, sandbox: Sandbox) -> None:
    customer = api.post("/v1/customers", {"name": "Ada"}).obj["id"]

    pay(api, customer=customer, setup_future_usage="off_session")

    assert "payment_method.attached" in types(sandbox)
    assert len(api.get(f"/v1/customers/{customer}/payment_methods").obj["data"]) == 1


def test_a_card_s_fate_follows_a_bare_payment_too(api: Api, sandbox: Sandbox) -> None:
    intent = pay(api, "pm_card_createDispute").obj["id"]

    assert types(sandbox, 3) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert [dispute["payment_intent"] for dispute in sandbox.disputes(intent)] == [intent]


@pytest.mark.parametrize("missing", ["payment_method", "return_url"])
def test_an_attempt_that_is_refused_makes_no_intent(api: Api, sandbox: Sandbox, missing: str) -> None:
    params = {"payment_method": "pm_card_visa", "return_url": WAY_BACK}
    del params[missing]

    refused = api.post(INTENTS, {"amount": 2000, "currency": "eur", "confirm": True, **params})

    assert refused.status == 400
    assert (api.get(INTENTS).obj["data"], sandbox.events) == ([], [])


@pytest.mark.parametrize("what", ["", "/confirm"])
def test_a_change_that_is_refused_changes_nothing(api: Api, what: str) -> None:
    ada = api.post("/v1/customers", {"name": "Ada"}).obj["id"]
    card = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ada}).obj["id"]
    intent = create(api).obj

    refused = api.post(
        f"{INTENTS}/{intent['id']}{what}", {"receipt_email": "ada@example.com", "payment_method": card}
    )

    assert (refused.status, refused.error["param"]) == (400, "payment_method")
    assert api.get(f"{INTENTS}/{intent['id']}").obj == intent


def test_an_attempt_that_is_refused_chooses_nothing(api: Api) -> None:
    intent = create(api).obj

    refused = api.post(f"{INTENTS}/{intent['id']}/confirm", {"payment_method": "pm_card_visa"})

    assert (refused.status, "return_url" in refused.error["message"]) == (400, True)
    assert api.get(f"{INTENTS}/{intent['id']}").obj == intent


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({"amount": 10}, "amount", "amount_too_small"),
        ({"currency": "isk", "amount": 150_050}, "amount", None),
        ({"currency": "huf"}, "amount", "amount_too_small"),
        ({"currency": "xxx"}, "currency", None),
        ({"customer": "cus_nobody"}, "customer", "resource_missing"),
        ({"allowed_payment_method_types": ["ideal"]}, "allowed_payment_method_types", None),
        ({"excluded_payment_method_types": ["card", "sepa_debit"]}, "allowed_payment_method_types", None),
    ],
)
def test_an_intent_is_not_changed_into_what_could_not_be_made(
    api: Api, params: dict[str, Any], param: str, code: str | None
) -> None:
    intent = create(api).obj

    refused = api.post(f"{INTENTS}/{intent['id']}", params)

    assert (refused.status, refused.error["param"], refused.error.get("code")) == (400, param, code)
    assert api.get(f"{INTENTS}/{intent['id']}").obj == intent


def test_the_methods_on_offer_follow_what_is_changed(api: Api) -> None:
    path = f"{INTENTS}/{create(api).obj['id']}"

    def offered(**params: Any) -> list[str]:
        return api.post(path, params).obj["payment_method_types"]

    assert offered(description="Deposit") == ["card", "sepa_debit"]
    assert offered(capture_method="manual") == ["card"]
    assert offered(capture_method="automatic_async") == ["card", "sepa_debit"]
    assert offered(excluded_payment_method_types=["sepa_debit"]) == ["card"]
    assert offered(excluded_payment_method_types="") == ["card", "sepa_debit"]
    assert offered(currency="usd") == ["card"]


def test_describing_the_intent_of_a_session_leaves_what_it_offers(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(excluded_payment_method_types=["sepa_debit"])["id"]
    intent = sandbox.pay(session, card="4000000000000002").payment_intent

    changed = api.post(f"{INTENTS}/{intent}", {"description": "Deposit"}).obj

    assert (changed["description"], changed["payment_method_types"]) == ("Deposit", ["card"])


def test_an_intent_over_another_total_than_is_allowed_can_still_be_described(
    api: Api, sandbox: Sandbox
) -> None:
    sandbox.alter_next_payment(amount=1)
    intent = sandbox.pay(api.create_session()["id"]).payment_intent

    assert api.post(f"{INTENTS}/{intent}", {"metadata": {"row": "7"}}).obj["metadata"] == {"row": "7"}


def test_the_error_of_an_attempt_is_gone_with_the_next_change(api: Api) -> None:
    intent = pay(api, "pm_card_visa_chargeDeclined").error["payment_intent"]

    changed = api.post(f"{INTENTS}/{intent['id']}", {"description": "Deposit"}).obj

    assert intent["last_payment_error"]["code"] == "card_declined"
    assert changed["last_payment_error"] is None


@pytest.mark.parametrize("params", [{"off_session": True}, {"error_on_requires_action": True}])
def test_who_cannot_be_asked_for_3d_secure_is_declined(
    api: Api, sandbox: Sandbox, params: dict[str, Any]
) -> None:
    error = pay(api, "pm_card_authenticationRequired", **params).error

    assert error["payment_intent"]["status"] == "requires_payment_method"
    assert error["payment_intent"]["last_payment_error"]["code"] == "authentication_required"
    assert types(sandbox) == ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    with pytest.raises(SandboxError, match="does not wait for 3D Secure"):
        sandbox.authenticate(error["payment_intent"]["id"])


def test_a_card_that_needs_not_ask_has_no_action_to_fail_on(api: Api) -> None:
    paid = pay(
        api,
        "pm_card_authenticationRequiredSetupForOffSession",
        off_session=True,
        error_on_requires_action=True,
    )

    assert paid.obj["status"] == "succeeded"


def test_a_payment_that_waits_for_3d_secure_can_be_canceled(api: Api, sandbox: Sandbox) -> None:
    intent = pay(api, "pm_card_authenticationRequired").obj["id"]

    canceled = api.post(f"{INTENTS}/{intent}/cancel").obj

    assert (canceled["status"], canceled["next_action"]) == ("canceled", None)
    assert types(sandbox, 2) == ["payment_intent.canceled"]
    with pytest.raises(SandboxError, match="does not wait for 3D Secure"):
        sandbox.authenticate(intent)


def test_another_card_takes_the_place_of_one_that_waits_for_3d_secure(api: Api, sandbox: Sandbox) -> None:
    path = f"{INTENTS}/{pay(api, 'pm_card_authenticationRequired').obj['id']}"

    chosen = api.post(path, {"payment_method": "pm_card_visa"}).obj
    paid = api.post(f"{path}/confirm", {"return_url": WAY_BACK}).obj

    assert (chosen["status"], chosen["next_action"]) == ("requires_confirmation", None)
    assert paid["status"] == "succeeded"
    assert sandbox.payment_intent(paid["id"])["amount_received"] == 2000


@pytest.mark.parametrize(
    ("params", "fixed"),
    [
        ({"amount": 2500}, True),
        ({"currency": "usd"}, True),
        ({"capture_method": "automatic"}, True),
        ({"payment_method": "pm_card_visa"}, True),
        ({"description": "Deposit", "metadata": {"row": "7"}}, False),
    ],
)
@pytest.mark.parametrize("status", ["requires_capture", "succeeded", "canceled"])
def test_what_is_paid_held_or_canceled_can_only_be_described(
    api: Api, status: str, params: dict[str, Any], fixed: bool
) -> None:
    intent = pay(api, capture_method="automatic" if status == "succeeded" else "manual").obj["id"]
    if status == "canceled":
        api.post(f"{INTENTS}/{intent}/cancel")

    changed = api.post(f"{INTENTS}/{intent}", params)

    if fixed:
        assert changed.error["code"] == "payment_intent_unexpected_state"
        assert f"has a status of {status}" in changed.error["message"]
    else:
        assert (changed.obj["status"], changed.obj["description"]) == (status, "Deposit")


# Money that is held.


def test_a_hold_through_checkout_is_told_in_order(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(**HELD)
    outcome = sandbox.pay(session["id"])
    told = types(sandbox)
    sandbox.advance(60)
    before = sandbox.balance_transactions()
    sandbox.capture(session["id"])
    sandbox.advance(60)

    assert session["payment_method_types"] == ["card"]
    assert outcome.status == "succeeded"
    assert told == [
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "charge.succeeded",
        "checkout.session.completed",
    ]
    assert (before, len(sandbox.balance_transactions())) == ([], 1)
    assert types(sandbox, 4) == ["charge.captured", "payment_intent.succeeded", "charge.updated"]
    assert sandbox.checkout_session(session["id"])["payment_status"] == "paid"


def test_a_hold_ends_after_a_week(api: Api, sandbox: Sandbox) -> None:
    intent = pay(api, capture_method="manual").obj["id"]

    sandbox.advance(WEEK - 1)
    held = sandbox.payment_intent(intent)["status"]
    sandbox.advance(1)

    ended = sandbox.payment_intent(intent)
    assert (held, ended["status"], ended["amount_capturable"]) == ("requires_capture", "canceled", 0)
    assert types(sandbox, 3) == ["payment_intent.canceled", "charge.expired"]
    assert charge_of(api, intent)["refunded"] is True


def test_what_was_captured_in_time_does_not_end(api: Api, sandbox: Sandbox) -> None:
    intent = pay(api, capture_method="manual").obj["id"]

    api.post(f"{INTENTS}/{intent}/capture", {"amount_to_capture": 500, "metadata": {"nights": "1"}})
    sandbox.advance(WEEK)

    paid = sandbox.payment_intent(intent)
    assert (paid["status"], paid["amount"], paid["amount_received"]) == ("succeeded", 2000, 500)
    assert paid["metadata"] == {"nights": "1"}
    assert sandbox.balance_transactions()[0]["amount"] == 500


def test_no_more_is_captured_than_is_held(api: Api, sandbox: Sandbox) -> None:
    intent = pay(api, capture_method="manual").obj["id"]

    refused = api.post(f"{INTENTS}/{intent}/capture", {"amount_to_capture": 2001})

    assert (refused.error["param"], refused.error["code"]) == ("amount_to_capture", "amount_too_large")
    with pytest.raises(SandboxError, match="holds 2000; 2001 cannot be captured"):
        sandbox.capture(intent, 2001)


def test_only_what_was_captured_is_refunded_or_disputed(api: Api, sandbox: Sandbox) -> None:
    intent = pay(api, capture_method="manual").obj["id"]

    early = api.post("/v1/refunds", {"payment_intent": intent})
    with pytest.raises(SandboxError, match="has not been paid"):
        sandbox.dispute(intent)
    api.post(f"{INTENTS}/{intent}/capture", {"amount_to_capture": 500})
    too_much = api.post("/v1/refunds", {"payment_intent": intent, "amount": 501})
    all_of_it = api.post("/v1/refunds", {"payment_intent": intent})

    assert early.status == 400
    assert "cancel its PaymentIntent" in early.error["message"]
    assert too_much.error["param"] == "amount"
    assert all_of_it.obj["amount"] == 500
    assert charge_of(api, intent)["refunded"] is True


@pytest.mark.parametrize(
    ("card", "amounts"),
    [("pm_card_createDispute", [500]), ("pm_card_createMultipleDisputes", [250, 250])],
)
def test_a_card_is_disputed_over_what_was_captured(
    api: Api, sandbox: Sandbox, card: str, amounts: list[int]
) -> None:
    intent = pay(api, card, capture_method="manual").obj["id"]

    api.post(f"{INTENTS}/{intent}/capture", {"amount_to_capture": 500})

    assert [dispute["amount"] for dispute in sandbox.disputes(intent)] == amounts


def test_a_bank_takes_back_what_was_captured(api: Api, sandbox: Sandbox) -> None:
    intent = pay(api, capture_method="manual").obj["id"]
    api.post(f"{INTENTS}/{intent}/capture", {"amount_to_capture": 500})

    sandbox.dispute(intent)

    assert [dispute["amount"] for dispute in sandbox.disputes(intent)] == [500]


@pytest.mark.parametrize("path", ["", "/{id}", "/{id}/confirm"])
@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"card": {"capture_method": "manual"}}, "[card][capture_method]"),
        ({"card": {"setup_future_usage": "off_session"}}, "[card][setup_future_usage]"),
        ({"card": {"request_three_d_secure": "any"}}, "[card][request_three_d_secure]"),
        ({"card": {"request_three_d_secure": "challenge"}}, "[card][request_three_d_secure]"),
        ({"sepa_debit": {"target_date": "2027-01-01"}}, "[sepa_debit][target_date]"),
    ],
)
def test_options_that_would_change_a_payment_are_not_simulated(
    api: Api, path: str, options: dict[str, Any], param: str
) -> None:
    known = {"amount": 2000, "currency": "eur"} if not path else {}
    path = path.format(id=create(api).obj["id"])

    refused = api.post(f"{INTENTS}{path}", {**known, "payment_method_options": options})

    assert (refused.status, refused.error["param"]) == (400, f"payment_method_options{param}")
    assert "does not simulate" in refused.error["message"]


def test_options_that_say_what_is_so_anyhow_are_taken(api: Api) -> None:
    options = {"card": {"request_three_d_secure": "automatic"}, "klarna": {"preferred_locale": "de-DE"}}

    paid = pay(api, payment_method_options=options).obj

    assert paid["status"] == "succeeded"
    assert paid["payment_method_options"]["card"]["request_three_d_secure"] == "automatic"


def test_options_of_no_known_method_are_refused(api: Api) -> None:
    assert pay(api, payment_method_options={"gold": {"carat": 24}}).error["code"] == "parameter_unknown"


def test_a_hold_is_let_go(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(**HELD)["id"]
    intent = sandbox.pay(session).payment_intent

    canceled = api.post(f"{INTENTS}/{intent}/cancel", {"cancellation_reason": "abandoned"}).obj

    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "abandoned")
    assert types(sandbox, 4) == ["charge.refunded", "payment_intent.canceled"]
    assert sandbox.events[4]["data"]["previous_attributes"] == {"amount_refunded": 0, "refunded": False}
    with pytest.raises(SandboxError, match="cannot be canceled"):
        sandbox.cancel(session)


def test_a_payment_that_was_never_made_is_canceled(api: Api, sandbox: Sandbox) -> None:
    intent = create(api).obj["id"]

    sandbox.cancel(intent)

    assert sandbox.payment_intent(intent)["status"] == "canceled"
    assert types(sandbox) == ["payment_intent.created", "payment_intent.canceled"]


def test_no_debit_is_offered_where_the_money_is_held(api: Api) -> None:
    lines = [line_item(currency="eur")]

    assert api.create_session(line_items=lines)["payment_method_types"] == ["card", "sepa_debit"]
    assert api.create_session(line_items=lines, **HELD)["payment_method_types"] == ["card"]
    assert create(api, capture_method="manual").obj["payment_method_types"] == ["card"]


def test_nothing_is_held_where_nothing_was_paid(api: Api, sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="holds 0"):
        sandbox.capture(api.create_session()["id"])


def test_only_amounts_that_exist_are_captured(api: Api) -> None:
    intent = pay(api, amount=2000, currency="kwd", capture_method="manual").obj["id"]
    path = f"{INTENTS}/{intent}/capture"

    refused = api.post(path, {"amount_to_capture": 1001})

    assert (refused.status, refused.error["param"]) == (400, "amount_to_capture")
    assert api.post(path, {"amount_to_capture": 1000}).obj["amount_received"] == 1000
