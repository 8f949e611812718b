from __future__ import annotations

from typing import Any

import pytest

from django_generic_payments.sandbox import Clock, Sandbox

from .client import Api, line_item, session_params

SESSIONS = "/v1/checkout/sessions"


def test_a_new_session_is_open_unpaid_and_has_no_payment_intent(api: Api) -> None:
    session = api.create_session(client_reference_id="7", locale="de", metadata={"order": "7"})

    assert (session["status"], session["payment_status"]) == ("open", "unpaid")
    assert session["payment_intent"] is None
    assert session["customer"] is None
    assert session["customer_creation"] == "if_required"
    assert (session["amount_total"], session["currency"]) == (3998, "eur")
    assert (session["client_reference_id"], session["locale"]) == ("7", "de")
    assert session["metadata"] == {"order": "7"}
    assert session["success_url"] == "https://shop.example/done?session={CHECKOUT_SESSION_ID}"
    assert session["cancel_url"] == "https://shop.example/cancel"
    assert session["expires_at"] == session["created"] + 24 * 60 * 60
    assert "line_items" not in session
    assert api.sandbox.events == []


def test_ids_and_addresses_look_like_real_ones(api: Api) -> None:
    session = api.create_session()

    assert session["id"].startswith("cs_test_")
    assert len(session["id"]) == 66
    address, _, fragment = session["url"].partition("#")
    assert address == f"https://checkout.sandbox.invalid/c/pay/{session['id']}"
    assert len(fragment) > 200


def test_a_live_key_makes_live_objects() -> None:
    session = Api(Sandbox(secret_key="sk_live_x")).create_session()

    assert session["livemode"] is True
    assert session["id"].startswith("cs_live_")
    assert len(session["id"]) == 66


def test_the_same_seed_makes_the_same_ids() -> None:
    first, second = (
        Api(Sandbox(seed=7, clock=Clock(start=1_800_000_000))).create_session() for _ in range(2)
    )

    assert first == second


def test_the_total_is_the_sum_of_the_lines(api: Api) -> None:
    session = api.create_session(line_items=[line_item(unit_amount=100), line_item(unit_amount=250)])

    assert session["amount_total"] == session["amount_subtotal"] == 700


def test_line_items_are_listed_and_expanded(api: Api) -> None:
    session = api.create_session(expand=["line_items"])
    listed = api.get(f"{SESSIONS}/{session['id']}/line_items").obj

    assert listed == session["line_items"]
    (item,) = listed["data"]
    assert (item["description"], item["quantity"], item["amount_total"]) == ("Tea", 2, 3998)
    assert item["price"]["unit_amount"] == 1999


def test_a_customer_is_set_at_once(api: Api) -> None:
    customer = api.post("/v1/customers", {"email": "ada@example.com"}).obj

    session = api.create_session(customer=customer["id"])

    assert session["customer"] == customer["id"]
    assert session["customer_creation"] is None
    assert session["customer_details"]["email"] == "ada@example.com"


def test_a_customer_email_is_only_a_prefill(api: Api) -> None:
    session = api.create_session(customer_email="ada@example.com")

    api.sandbox.pay(session["id"], email="typed@example.com")

    paid = api.session(session["id"])
    assert paid["customer_email"] == "ada@example.com"
    assert paid["customer_details"]["email"] == "typed@example.com"
    assert paid["customer"] is None


def test_debit_is_offered_for_euros_only_and_can_be_filtered_out(api: Api) -> None:
    assert api.create_session()["payment_method_types"] == ["card", "sepa_debit"]
    assert api.create_session(line_items=[line_item(currency="usd")])["payment_method_types"] == ["card"]
    assert api.create_session(allowed_payment_method_types=["card"])["payment_method_types"] == ["card"]
    assert api.create_session(excluded_payment_method_types=["card"])["payment_method_types"] == [
        "sepa_debit"
    ]


def test_presentation_comes_back_as_it_was_sent(api: Api) -> None:
    session = api.create_session(
        adaptive_pricing={"enabled": True},
        automatic_tax={"enabled": False},
        branding_settings={"display_name": "Teashop"},
        consent_collection={"terms_of_service": "required"},
        custom_text={"submit": {"message": "Thank you"}},
        invoice_creation={"enabled": False},
        name_collection={"individual": {"enabled": True, "optional": True}},
        payment_method_configuration="pmc_1",
        payment_method_options={"card": {"request_three_d_secure": "automatic"}},
        saved_payment_method_options={"payment_method_save": "disabled"},
        phone_number_collection={"enabled": True},
        shipping_address_collection={"allowed_countries": ["DE"]},
        submit_type="book",
        tax_id_collection={"enabled": True},
        wallet_options={"link": {"display": "never"}},
    )

    assert session["adaptive_pricing"] == {"enabled": True}
    assert session["branding_settings"]["display_name"] == "Teashop"
    assert session["consent_collection"]["terms_of_service"] == "required"
    assert session["custom_text"]["submit"] == {"message": "Thank you"}
    assert session["payment_method_configuration_details"] == {"id": "pmc_1", "parent": None}
    assert session["phone_number_collection"] == {"enabled": True}
    assert session["saved_payment_method_options"]["payment_method_save"] == "disabled"
    assert session["submit_type"] == "book"
    assert session["tax_id_collection"] == {"enabled": True, "required": "never"}


def test_branding_that_was_not_sent_or_is_unset_is_that_of_an_account_without_any(api: Api) -> None:
    session = api.create_session(branding_settings={"button_color": "", "border_style": "pill"})

    assert session["branding_settings"] == {
        "background_color": "#ffffff",
        "border_style": "pill",
        "button_color": "#0074d4",
        "display_name": "",
        "font_family": "default",
        "icon": None,
        "logo": None,
    }
    assert "branding_settings" not in api.create_session()


def price(**changes: Any) -> dict[str, Any]:
    return {"line_items": [line_item(**changes)]}


PRICE_DATA = "line_items[0][price_data]"


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
        ({"sucess_url": "https://x.example"}, "parameter_unknown", "sucess_url"),
        ({"branding_settings": {"name": "Tea"}}, "parameter_unknown", "branding_settings[name]"),
        (price(colour="red"), "parameter_unknown", f"{PRICE_DATA}[colour]"),
        ({"mode": None}, "parameter_missing", "mode"),
        ({"success_url": None}, "parameter_missing", "success_url"),
        ({"line_items": None}, "parameter_missing", "line_items"),
        (price(unit_amount="19.99"), "parameter_invalid_integer", f"{PRICE_DATA}[unit_amount]"),
        (price(unit_amount=-1), "parameter_invalid_integer", f"{PRICE_DATA}[unit_amount]"),
        (price(product_data={"description": "x"}), "parameter_missing", f"{PRICE_DATA}[product_data][name]"),
        (price(product_data={"name": ""}), "parameter_invalid_empty", f"{PRICE_DATA}[product_data][name]"),
        (price(product="prod_1"), "resource_missing", f"{PRICE_DATA}[product]"),
        ({"success_url": ""}, "parameter_invalid_empty", "success_url"),
        ({"success_url": "/done"}, "url_invalid", "success_url"),
        ({"cancel_url": "javascript:alert(1)"}, "url_invalid", "cancel_url"),
        ({"cancel_url": "https://x.example/\r\nSet-Cookie: a=b"}, "url_invalid", "cancel_url"),
        ({"customer": "cus_unknown"}, "resource_missing", "customer"),
        ({"line_items": [{"price": "price_1", "quantity": 1}]}, "resource_missing", "line_items[0][price]"),
        ({"line_items": [{"quantity": 1}]}, "parameter_missing", PRICE_DATA),
        ({"line_items": [{"quantity": 1, "price_data": {}}]}, "parameter_missing", PRICE_DATA),
        (
            {"line_items": [{"quantity": 1, "price_data": {"currency": "eur"}}]},
            "parameter_missing",
            f"{PRICE_DATA}[product_data]",
        ),
        (
            {
                "line_items": [
                    {"quantity": 1, "price_data": {"currency": "eur", "product_data": {"name": "Tea"}}}
                ]
            },
            "parameter_missing",
            f"{PRICE_DATA}[unit_amount]",
        ),
        (
            {"line_items": [{"price_data": line_item()["price_data"]}]},
            "parameter_missing",
            "line_items[0][quantity]",
        ),
        (price(unit_amount=24), "amount_too_small", None),
        (price(unit_amount=999_999_999_999), "amount_too_large", None),
    ],
)
def test_what_stripe_refuses_is_refused_with_its_code(
    api: Api, changes: dict[str, Any], code: str, param: str | None
) -> None:
    answer = api.post(SESSIONS, session_params(**changes))

    assert answer.status == 400
    assert (answer.error["type"], answer.error["code"]) == ("invalid_request_error", code)
    assert answer.error.get("param") == param
    assert api.get(SESSIONS).obj["data"] == []


@pytest.mark.parametrize(
    ("changes", "param", "words"),
    [
        (price(currency="xxx"), f"{PRICE_DATA}[currency]", "Invalid currency: xxx."),
        (price(currency="isk", unit_amount=10_050), f"{PRICE_DATA}[unit_amount]", "multiple of 100"),
        (price(currency="kwd", unit_amount=5125), f"{PRICE_DATA}[unit_amount]", "multiple of 10"),
        ({"currency": "usd"}, "currency", "same currency"),
        ({"line_items": [line_item(), line_item(currency="usd")]}, "currency", "same currency"),
        ({"mode": "payments"}, "mode", "must be one of payment, setup, subscription"),
        ({"mode": "subscription"}, "mode", "does not simulate"),
        ({"automatic_tax": {"enabled": True}}, "automatic_tax[enabled]", "does not simulate"),
        ({"custom_fields": [{"key": "a"}]}, "custom_fields", "does not simulate"),
        (
            {"payment_method_options": {"card": {"capture_method": "manual"}}},
            "payment_method_options[card][capture_method]",
            "does not simulate",
        ),
        (
            {"saved_payment_method_options": {"payment_method_save": "enabled"}},
            "saved_payment_method_options[payment_method_save]",
            "does not simulate",
        ),
        (
            {"saved_payment_method_options": {"payment_method_remove": "enabled"}},
            "saved_payment_method_options[payment_method_remove]",
            "does not simulate",
        ),
        ({"customer_update": {"name": "auto"}}, "customer_update", "can only be used with `customer`"),
        (
            {"payment_method_data": {"allow_redisplay": "yes"}},
            "payment_method_data[allow_redisplay]",
            "one of",
        ),
        ({"ui_mode": "embedded"}, "ui_mode", "hosted_page"),
        ({"locale": "xx"}, "locale", "must be one of"),
        ({"client_reference_id": "x" * 201}, "client_reference_id", "at most 200 characters"),
        ({"metadata": {"k" * 41: "v"}}, "metadata", "40 characters"),
        ({"metadata": {"k": "v" * 501}}, "metadata", "500 characters"),
        ({"metadata": {str(number): "v" for number in range(51)}}, "metadata", "50 metadata keys"),
        ({"metadata": {"a": {"b": "c"}}}, "metadata", "Invalid object"),
        ({"metadata": "a"}, "metadata", "Invalid object"),
        ({"expand": "line_items"}, "expand", "Invalid array"),
        (
            {"phone_number_collection": {"enabled": "maybe"}},
            "phone_number_collection[enabled]",
            "Invalid boolean",
        ),
        ({"payment_intent_data": "x"}, "payment_intent_data", "Invalid object"),
        ({"mode": {"a": "b"}}, "mode", "must be one of"),
        ({"success_url": {"a": "b"}}, "success_url", "Invalid string"),
        ({"line_items": [line_item()] * 101}, "line_items", "maximum 100"),
        (
            {"allowed_payment_method_types": ["ideal"]},
            "allowed_payment_method_types",
            "No valid payment method",
        ),
    ],
)
def test_what_has_no_code_is_refused_in_words(
    api: Api, changes: dict[str, Any], param: str, words: str
) -> None:
    answer = api.post(SESSIONS, session_params(**changes))

    assert (answer.status, "code" in answer.error) == (400, False)
    assert words in answer.error["message"]
    assert answer.error["param"] == param


def test_a_customer_excludes_what_would_make_another(api: Api) -> None:
    customer = api.post("/v1/customers", {}).obj["id"]

    for other in ({"customer_email": "ada@example.com"}, {"customer_creation": "always"}):
        answer = api.post(SESSIONS, session_params(customer=customer, **other))
        assert (answer.status, answer.error["param"]) == (400, "customer")


@pytest.mark.parametrize(("minutes", "status"), [(29, 400), (30, 200), (24 * 60, 200), (24 * 60 + 1, 400)])
def test_a_session_lives_half_an_hour_to_a_day(api: Api, clock: Clock, minutes: int, status: int) -> None:
    answer = api.post(SESSIONS, session_params(expires_at=clock.now() + 60 * minutes))

    assert answer.status == status


@pytest.mark.parametrize(("currency", "least"), [("usd", 50), ("jpy", 50), ("huf", 17500), ("gbp", 30)])
def test_the_smallest_total_depends_on_the_currency(api: Api, currency: str, least: int) -> None:
    def create(amount: int) -> int:
        items = [{**line_item(currency=currency, unit_amount=amount), "quantity": 1}]
        return api.post(SESSIONS, session_params(line_items=items)).status

    assert (create(least - 1), create(least)) == (400, 200)


def test_currencies_are_read_in_upper_case_too(api: Api) -> None:
    assert api.create_session(line_items=[line_item(currency="EUR")])["currency"] == "eur"


def test_an_open_session_can_be_expired_once(api: Api) -> None:
    session = api.create_session()

    expired = api.post(f"{SESSIONS}/{session['id']}/expire")
    again = api.post(f"{SESSIONS}/{session['id']}/expire")

    assert (expired.obj["status"], expired.obj["url"]) == ("expired", None)
    assert again.status == 400
    assert "has a status of `expired`" in again.error["message"]
    assert [event["type"] for event in api.sandbox.events] == ["checkout.session.expired"]


def test_a_session_expires_when_its_time_has_come(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()

    sandbox.advance(24 * 60 * 60 - 1)
    assert sandbox.checkout_session(session["id"])["status"] == "open"
    sandbox.advance(1)

    assert sandbox.checkout_session(session["id"])["status"] == "expired"
    assert sandbox.events[-1]["request"] == {"id": None, "idempotency_key": None}


def test_a_clock_that_somebody_else_moves_expires_sessions_too(api: Api, clock: Clock) -> None:
    session = api.create_session()

    clock.advance(24 * 60 * 60)

    assert api.session(session["id"])["status"] == "expired"


def test_sessions_are_listed_by_what_they_are_for(api: Api) -> None:
    customer = api.post("/v1/customers", {"email": "ada@example.com"}).obj["id"]
    session = api.create_session(customer=customer)
    other = api.create_session(customer_email="bob@example.com")
    intent = api.sandbox.pay(session["id"]).payment_intent

    def ids(**params: Any) -> list[str]:
        return [found["id"] for found in api.get(SESSIONS, params).obj["data"]]

    assert ids() == [other["id"], session["id"]]
    assert ids(customer=customer) == [session["id"]]
    assert ids(payment_intent=intent) == [session["id"]]
    assert ids(status="open") == [other["id"]]
    assert ids(customer_details={"email": "bob@example.com"}) == [other["id"]]


@pytest.mark.parametrize(
    ("customer_update", "name", "saved"),
    [
        ({"name": "auto"}, "Ada Lovelace", "Ada Lovelace"),
        ({"name": "auto"}, None, "Ada"),
        ({"name": "never"}, "Ada Lovelace", "Ada"),
        ({"address": "auto"}, "Ada Lovelace", "Ada"),
        (None, "Ada Lovelace", "Ada"),
    ],
)
def test_the_name_of_a_customer_is_saved_if_that_is_asked_for(
    api: Api, sandbox: Sandbox, customer_update: dict[str, str] | None, name: str | None, saved: str
) -> None:
    customer = api.post("/v1/customers", {"name": "Ada"}).obj["id"]
    session = api.create_session(customer=customer, customer_update=customer_update)["id"]

    sandbox.pay(session, name=name)

    told = [event["data"] for event in sandbox.events if event["type"] == "customer.updated"]
    assert api.get(f"/v1/customers/{customer}").obj["name"] == saved
    assert [data["previous_attributes"] for data in told] == ([] if saved == "Ada" else [{"name": "Ada"}])


def test_no_name_is_saved_for_a_customer_who_was_deleted(api: Api, sandbox: Sandbox) -> None:
    customer = api.post("/v1/customers", {"name": "Ada"}).obj["id"]
    session = api.create_session(customer=customer, customer_update={"name": "auto"})["id"]
    api.call("DELETE", f"/v1/customers/{customer}", "", {})

    sandbox.pay(session, name="Ada Lovelace")

    assert sandbox.checkout_session(session)["payment_status"] == "paid"
    assert "customer.updated" not in [event["type"] for event in sandbox.events]


def test_a_name_that_is_known_already_is_not_told_of(api: Api, sandbox: Sandbox) -> None:
    customer = api.post("/v1/customers", {"name": "Ada"}).obj["id"]
    session = api.create_session(customer=customer, customer_update={"name": "auto"})["id"]

    sandbox.pay(session, name="Ada")

    assert "customer.updated" not in [event["type"] for event in sandbox.events]


@pytest.mark.parametrize(("data", "shown"), [({"allow_redisplay": "always"}, "always"), (None, "limited")])
def test_a_payment_method_is_shown_again_as_that_is_asked_for(
    api: Api, sandbox: Sandbox, data: dict[str, str] | None, shown: str
) -> None:
    session = api.create_session(payment_method_data=data)["id"]

    intent = sandbox.pay(session).payment_intent

    expanded = api.get(f"/v1/payment_intents/{intent}", {"expand": ["payment_method"]}).obj
    assert expanded["payment_method"]["allow_redisplay"] == shown


def test_what_is_changed_before_the_first_attempt_is_merged_into_what_was_said(
    api: Api, sandbox: Sandbox
) -> None:
    data = {"metadata": {"row": "7", "seat": "1"}, "description": "Tea"}
    session = api.create_session(payment_intent_data=data)["id"]
    changes = {"metadata": {"seat": "", "night": "2"}, "statement_descriptor": "TEASHOP"}

    api.post(f"{SESSIONS}/{session}", {"payment_intent_data": changes})

    intent = sandbox.payment_intent(sandbox.pay(session).payment_intent)
    assert intent["metadata"] == {"row": "7", "night": "2"}
    assert (intent["description"], intent["statement_descriptor"]) == ("Tea", "TEASHOP")


def test_what_is_unset_before_the_first_attempt_is_null(api: Api, sandbox: Sandbox) -> None:
    data = {"metadata": {"row": "7"}, "description": "Tea"}
    session = api.create_session(payment_intent_data=data)["id"]

    api.post(f"{SESSIONS}/{session}", {"payment_intent_data": {"metadata": "", "description": ""}})

    intent = sandbox.payment_intent(sandbox.pay(session).payment_intent)
    assert (intent["metadata"], intent["description"]) == ({}, None)


def test_a_change_after_a_declined_attempt_reaches_the_intent_and_the_next_charge(
    api: Api, sandbox: Sandbox
) -> None:
    session = api.create_session()["id"]
    intent = sandbox.pay(session, card="4000000000000002").payment_intent

    api.post(f"{SESSIONS}/{session}", {"payment_intent_data": {"metadata": {"row": "7"}}})
    sandbox.pay(session)

    paid, declined = api.get("/v1/charges", {"payment_intent": intent}).obj["data"]
    assert sandbox.payment_intent(intent)["metadata"] == {"row": "7"}
    assert (paid["metadata"], declined["metadata"]) == ({"row": "7"}, {})


@pytest.mark.parametrize("status", ["complete", "expired"])
def test_of_a_session_that_is_over_only_metadata_changes(api: Api, sandbox: Sandbox, status: str) -> None:
    session = api.create_session(metadata={"a": "1"})["id"]
    if status == "complete":
        sandbox.pay(session)
    else:
        sandbox.expire(session)
    before = len(sandbox.events)
    path = f"{SESSIONS}/{session}"

    refused = api.post(path, {"payment_intent_data": {"description": "Tea"}, "metadata": {"a": "2"}})
    unchanged = api.session(session)["metadata"]
    changed = api.post(path, {"metadata": {"a": "", "b": "2"}}).obj

    assert (refused.status, f"is {status}" in refused.error["message"]) == (400, True)
    assert (unchanged, changed["metadata"]) == ({"a": "1"}, {"b": "2"})
    assert len(sandbox.events) == before


@pytest.mark.parametrize("name", ["collected_information", "line_items", "shipping_options"])
def test_what_cannot_be_changed_here_says_so(api: Api, name: str) -> None:
    refused = api.post(f"{SESSIONS}/{api.create_session()['id']}", {f"{name}[0][a]": "b"})

    assert (refused.status, refused.error["param"]) == (400, name)
    assert f"does not simulate {name}" in refused.error["message"]


def test_a_session_whose_hold_ended_stays_complete_and_unpaid(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(payment_intent_data={"capture_method": "manual"})["id"]
    sandbox.pay(session)

    sandbox.advance(7 * 24 * 60 * 60)

    ended = sandbox.checkout_session(session)
    assert (ended["status"], ended["payment_status"]) == ("complete", "unpaid")
    assert {event["type"] for event in sandbox.events[4:]} == {"payment_intent.canceled", "charge.expired"}
    assert all(event["request"]["id"] is None for event in sandbox.events[4:])
    assert sandbox.balance_transactions() == []


def test_a_part_of_what_a_session_holds_is_captured(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(payment_intent_data={"capture_method": "manual"})["id"]
    intent = sandbox.pay(session).payment_intent

    sandbox.capture(session, 1000)
    sandbox.book_balance()

    (charge,) = api.get("/v1/charges", {"payment_intent": intent}).obj["data"]
    assert (charge["amount"], charge["amount_captured"], charge["captured"]) == (3998, 1000, True)
    assert [line["amount"] for line in sandbox.balance_transactions()] == [1000]
    assert sandbox.checkout_session(session)["payment_status"] == "paid"
    assert sandbox.checkout_session(session)["amount_total"] == 3998


def test_where_something_is_sent_is_filled_up_and_needs_a_street(api: Api, sandbox: Sandbox) -> None:
    def shipped_to(**address: str) -> dict[str, Any]:
        return {"payment_intent_data": {"shipping": {"name": "Ada", "address": address}}}

    intent = sandbox.pay(api.create_session(**shipped_to(line1="1 Quay"))["id"]).payment_intent
    refused = api.post("/v1/checkout/sessions", session_params(**shipped_to(country="IE")))

    assert sandbox.payment_intent(intent)["shipping"]["address"] == {
        **dict.fromkeys(("city", "country", "line2", "postal_code", "state")),
        "line1": "1 Quay",
    }
    assert refused.error["param"] == "payment_intent_data[shipping][address][line1]"


def test_a_session_is_changed_while_it_is_open(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(metadata={"a": "1"})["id"]
    path = f"/v1/checkout/sessions/{session}"

    api.post(path, {"payment_intent_data": {"description": "First", "metadata": {"row": "1"}}})
    intent = sandbox.pay(session, card="4000000000000002").payment_intent
    first = sandbox.payment_intent(intent)
    api.post(path, {"payment_intent_data": {"description": "Second", "metadata": {"row": "2"}}})
    sandbox.pay(session)
    changed = api.post(path, {"metadata": {"b": "2"}}).obj

    assert (first["description"], first["metadata"]) == ("First", {"row": "1"})
    assert sandbox.payment_intent(intent)["description"] == "Second"
    assert sandbox.payment_intent(intent)["metadata"] == {"row": "2"}
    assert changed["metadata"] == {"a": "1", "b": "2"}
    assert api.post(path, {"payment_intent_data": {"description": "Third"}}).status == 400
    assert "does not simulate line_items" in api.post(path, {"line_items": [line_item()]}).error["message"]
    assert api.post("/v1/checkout/sessions/cs_nobody", {"metadata": {}}).status == 404
