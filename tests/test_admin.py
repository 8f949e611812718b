"""The admin: everything can be looked at, nothing changed, and nobody's data read off it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core import checks
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_generic_payments.admin import ReadOnlyAdmin
from django_generic_payments.admin.words import mask_email, mask_emails, mask_name, mask_phone
from django_generic_payments.enums import (
    Cause,
    DeliveryState,
    DisputeStatus,
    EventKind,
    RefundStatus,
    ReviewReason,
    SessionStatus,
    TransactionKind,
    WebhookState,
)
from django_generic_payments.models import (
    Customer,
    Dispute,
    PaymentEvent,
    PaymentSession,
    Refund,
    Transaction,
    WebhookEvent,
)
from django_generic_payments.money import Money
from django_generic_payments.services import (
    accept_payment,
    cancel_checkout,
    refund_payment,
    start_checkout,
)
from django_generic_payments.testing import override_payments
from tests.shop.models import Basket, Booking, Order

pytestmark = pytest.mark.django_db

MODELS = [Customer, PaymentSession, Transaction, Refund, Dispute, WebhookEvent, PaymentEvent]
EMAIL, NAME, PHONE = "canary.bird@example.com", "Canary Yellowbird", "+441632960017"


def url(model, page="changelist", *args):
    return reverse(f"admin:generic_payments_{model._meta.model_name}_{page}", args=args)


def page_of(row):
    return url(type(row), "change", row.pk)


@pytest.fixture
def boss(client, django_user_model):
    """A superuser, logged in."""
    boss = django_user_model.objects.create_superuser("boss", "boss@staff.example")
    client.force_login(boss)
    return boss


@pytest.fixture
def clerk(client, django_user_model):
    """Somebody of the staff who may view everything of ours and do no more, logged in."""
    clerk = django_user_model.objects.create_user("clerk", "clerk@staff.example", is_staff=True)
    clerk.user_permissions.set(
        Permission.objects.filter(content_type__app_label="generic_payments", codename__startswith="view_")
    )
    client.force_login(clerk)
    return clerk


def pay(stripe, payable=None, **payer):
    session = start_checkout(payable or Booking.objects.create())
    stripe.pay(session, **payer)
    session.refresh_from_db()
    return session


def refund(session, amount=5_00, **fields):
    """Write down a refund with its ledger row and its event, as Stripe would tell of it."""
    row = Refund.objects.create(
        **{
            "session": session,
            "payment": session.transactions.payments().first(),
            "amount": amount,
            "currency": session.currency,
            "status": RefundStatus.SUCCEEDED,
            "idempotency_key": f"key-{amount}",
            "stripe_refund_id": f"re_{amount}of{session.pk.hex}",
            **fields,
        }
    )
    moved = move(session, TransactionKind.REFUND, -amount, source_id=row.stripe_refund_id)
    tell(session, EventKind.PAYMENT_REFUNDED, row.stripe_refund_id, transaction=moved, refund=row)
    return row


def dispute(session, amount=5_00, **fields):
    row = Dispute.objects.create(
        **{
            "session": session,
            "amount": amount,
            "currency": session.currency,
            "status": DisputeStatus.NEEDS_RESPONSE,
            "reason": "fraudulent",
            "stripe_dispute_id": f"du_{amount}of{session.pk.hex}",
            "status_at": timezone.now(),
            "evidence_due_by": timezone.now(),
            **fields,
        }
    )
    tell(session, EventKind.DISPUTE_OPENED, row.stripe_dispute_id, dispute=row)
    return row


def move(session, kind, gross, **fields):
    return Transaction.objects.create(
        **{
            "session": session,
            "kind": kind,
            "gross": gross,
            "currency": session.currency,
            "source_id": f"txn_{gross}",
            "occurred_at": timezone.now(),
            "livemode": session.livemode,
            **fields,
        }
    )


def tell(session, kind, source_id, **fields):
    return PaymentEvent.objects.create(
        **{
            "session": session,
            "kind": kind,
            "source_id": source_id,
            "occurred_at": timezone.now(),
            "cause": Cause.WEBHOOK,
            "state": DeliveryState.DELIVERED,
            **fields,
        }
    )


@pytest.fixture
def everything(stripe, user):
    """At least one row of each table."""
    mine = start_checkout(Booking.objects.create(owner=user), user=user)
    stripe.decline(mine)
    stripe.pay(mine)
    session = pay(stripe, email=EMAIL, name=NAME, phone=PHONE)
    refund(session, requested_by=EMAIL)
    dispute(session)
    return session


def html(client, address, **query):
    answer = client.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def found(client, model, **query):
    """Return the rows that a list shows."""
    answer = client.get(url(model), query)
    assert answer.status_code == 200
    return set(answer.context["cl"].result_list)


def search(client, model, text):
    return found(client, model, q=text)


# Everything can be looked at.


def assert_all_can_be_seen(client):
    for model in MODELS:
        rows = list(model.objects.all())
        assert rows
        assert found(client, model) == set(rows)
        for row in rows:
            assert str(row.pk) in html(client, page_of(row))


def test_a_superuser_sees_every_list_and_every_page(client, boss, everything):
    assert_all_can_be_seen(client)


def test_so_does_staff_that_may_only_view(client, clerk, everything):
    assert_all_can_be_seen(client)


@pytest.mark.core
def test_staff_without_the_permission_is_refused(client, clerk, everything):
    clerk.user_permissions.clear()

    for model in MODELS:
        assert client.get(url(model)).status_code == 403
        assert client.get(page_of(model.objects.first())).status_code == 403


def test_staff_that_may_see_payment_sessions_alone_sees_nothing_beside_them(client, clerk, everything):
    clerk.user_permissions.set(Permission.objects.filter(codename="view_paymentsession"))

    page = html(client, page_of(everything))

    assert "Payment session" in page
    assert "transactions-group" not in page
    assert "events-group" not in page


@pytest.mark.core
def test_whoever_is_not_staff_is_sent_to_the_login(client, user):
    client.force_login(user)

    answer = client.get(url(PaymentSession))

    assert (answer.status_code, "login" in answer["Location"]) == (302, True)


@pytest.mark.core
def test_django_finds_nothing_wrong_with_it():
    assert admin.site.check(None) == []
    assert [each for each in checks.run_checks() if "admin" in (each.id or "")] == []


@pytest.mark.core
def test_a_row_that_does_not_exist_leads_back_to_the_front_page(client, boss):
    for key in ("no-uuid", "00000000-0000-4000-8000-000000000000"):
        assert client.get(url(PaymentSession, "change", key)).status_code == 302


# Nothing can be changed.


@pytest.mark.parametrize("model", MODELS)
def test_not_even_a_superuser_can_add_change_or_delete(client, boss, everything, model):
    row = model.objects.first()
    before = model.objects.filter(pk=row.pk).values().get()
    fields = {"status": "failed", "state": "dead", "amount": "1", "email": "x@example.com", "_save": "1"}

    answers = [
        client.get(url(model, "add")),
        client.post(url(model, "add"), fields),
        client.post(page_of(row), fields),
        client.get(url(model, "delete", row.pk)),
        client.post(url(model, "delete", row.pk), {"post": "yes"}),
    ]

    assert [each.status_code for each in answers] == [403] * 5
    assert model.objects.filter(pk=row.pk).values().get() == before


@pytest.mark.parametrize("model", MODELS)
def test_no_action_deletes_in_bulk(client, boss, everything, model):
    row = model.objects.first()
    count = model.objects.count()

    client.post(url(model), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
    page = html(client, url(model))

    assert model.objects.count() == count
    assert 'name="action"' not in page
    assert "delete_selected" not in page
    assert "Add " not in re.search(r"(?s)<div id=\"content\".*", page)[0]


def test_a_page_has_no_field_to_fill_in_and_nothing_to_press_but_close(client, boss, everything):
    page = re.search(r'(?s)<form [^>]*id="paymentsession_form".*?</form>', html(client, page_of(everything)))[
        0
    ]

    fields = re.findall(r"<(?:input|select|textarea|button)[^>]*>", page)
    assert all('type="hidden"' in field for field in fields), fields
    assert "Close</a>" in page


# Nothing private is shown.


def pages(client):
    for model in MODELS:
        yield html(client, url(model))
        yield from (html(client, page_of(row)) for row in model.objects.all())


def test_of_a_payer_only_enough_to_recognise_them_is_shown(client, boss, everything):
    customer = everything.customer

    page = html(client, page_of(customer))

    assert "c…@example.com" in page
    assert "C… Y…" in page
    assert "…17" in page
    assert "c…@example.com" in html(client, url(PaymentSession))


def test_no_page_shows_personal_data_or_secrets(client, boss, stripe, everything):
    note = f"Rang {EMAIL}"
    PaymentSession.objects.filter(pk=everything.pk).update(
        review_reason=ReviewReason.AMOUNT,
        review_note=note,
        reviewed_by=EMAIL,
        description=f"Gift for {EMAIL}",
        last_error=note,
        metadata={"canary": "metadata-canary"},
        success_url="https://example.com/success-canary",
        cancel_url="https://example.com/cancel-canary",
        idempotency_key="key-canary",
        request_fingerprint="fingerprint-canary",
    )
    PaymentEvent.objects.update(note=note, last_error=note, caused_by=EMAIL)
    WebhookEvent.objects.update(last_error=note, body="body-canary")
    Refund.objects.update(idempotency_key="key-canary", stripe_params="params-canary")
    secrets = [stripe.sandbox.secret_key, stripe.sandbox.webhook_secret, "whsec", "sk_test"]
    addresses = [
        everything.pay_url,
        f"/pay/{everything.pk}",
        "checkout.stripe.com",
        "stripe_params",
        "https://checkout.",
    ]
    # A name alone could be part of another word.
    personal = ["canary.bird", "Canary", "Yellowbird", PHONE, PHONE[1:], "-canary"]

    shown = "".join(pages(client))

    assert "c…@example.com" in shown
    assert [each for each in [*secrets, *addresses, *personal] if each in shown] == []


@pytest.mark.core
@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ann@example.com", "a…@example.com"),
        ("a@example.com", "a…@example.com"),
        ("ann.lee+x@example.com", "a…@example.com"),
        ("Rang <ann@example.com> and bob@example.org.", "Rang <…@example.com> and b…@example.org."),
        ("ann@example.com,bob@example.org", "a…@example.org"),
        ("user:7", "user:7"),
        ("", ""),
    ],
)
def test_an_e_mail_address_is_masked_wherever_it_stands(text, masked):
    assert mask_emails(text) == masked


@pytest.mark.core
@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("ann@example.com", "a…@example.com"),
        ("a@example.com", "a…@example.com"),
        ('"ann@lee b"@example.com', '"…@example.com'),
        ("@example.com", "…@example.com"),
        ("typed wrongly", "t…"),
        ("", ""),
    ],
)
def test_an_e_mail_address_is_masked_to_its_first_letter_and_domain(address, masked):
    assert mask_email(address) == masked


@pytest.mark.core
@pytest.mark.parametrize(
    ("name", "masked"),
    [("Pat Payer", "P… P…"), ("  Ann  ", "A…"), ("Jean-Luc", "J…"), ("É", "É…"), ("", "")],
)
def test_a_name_is_masked_to_its_initials(name, masked):
    assert mask_name(name) == masked


@pytest.mark.core
@pytest.mark.parametrize(
    ("phone", "masked"), [("+441632960017", "…17"), ("12345", "…45"), ("1234", "…"), ("12", "…"), ("", "")]
)
def test_a_telephone_number_is_masked_to_its_last_two_digits(phone, masked):
    assert mask_phone(phone) == masked


@pytest.mark.core
@pytest.mark.parametrize(
    ("model", "lookup"),
    [
        (Customer, "email__startswith"),
        (Customer, "email"),
        (Customer, "phone__contains"),
        (Customer, "user__password__startswith"),
        (PaymentSession, "customer__email__startswith"),
        (PaymentSession, "stripe_checkout_url__contains"),
        (PaymentSession, "idempotency_key__startswith"),
        (PaymentSession, "statuses"),
        (Transaction, "session__customer__email__startswith"),
        (WebhookEvent, "body__contains"),
        (PaymentEvent, "session__customer__name__startswith"),
    ],
)
def test_the_address_of_a_list_is_no_way_to_guess_what_it_hides(client, boss, model, lookup):
    assert client.get(url(model), {lookup: "a"}).status_code == 400


@pytest.mark.core
def test_no_column_sorts_by_what_is_masked():
    for model in (Customer, PaymentSession):
        page = admin.site.get_model_admin(model)
        for name in ("masked_email", "masked_name", "masked_phone", "payer"):
            assert getattr(getattr(page, name, None), "admin_order_field", None) is None


# Search.


@pytest.fixture
def two(stripe):
    """Two paid sessions of two payers."""
    first = pay(stripe, email="first@example.com")
    second = pay(stripe, Order.objects.create(), email="second@example.com")
    assert first.pk.hex[:8] != second.pk.hex[:8]
    return first, second


def test_a_payment_session_is_found_by_whole_ids(client, boss, two):
    first, _ = two
    for text in (
        first.stripe_checkout_session_id,
        first.stripe_payment_intent_id,
        str(first.pk),
        str(first.pk).upper(),
        first.pk.hex,
        f"  {first.pk} ",
    ):
        assert search(client, PaymentSession, text) == {first}, text


def test_a_payment_session_is_found_by_the_id_of_what_is_paid_for(client, boss, two):
    first, second = two

    assert search(client, PaymentSession, first.payable_id) == {first}
    assert search(client, PaymentSession, second.payable_id) == {second}


@pytest.mark.parametrize("length", [8, 9, 12, 13, 20, 27, 35])
def test_a_payment_session_is_found_by_the_beginning_of_its_id(client, boss, two, length):
    first, _ = two
    beginning = str(first.pk)[:length]

    assert search(client, PaymentSession, beginning) == {first}
    assert search(client, PaymentSession, beginning.replace("-", "")) == {first}
    assert first in search(client, PaymentSession, beginning)


@pytest.mark.core
@pytest.mark.parametrize(
    "text",
    [
        "zzzzzzzz-0000",
        "12345678-xyz",
        "0" * 33,
        "é" * 36,
        "' OR 1=1 --",
        "%",
        "_",
        '"',
        "''",
        '"" ""',
        "pi_",
        "cs_test",
        "-" * 36,
        "1234567",
    ],
)
def test_what_is_no_id_finds_nothing(client, boss, two, text):
    for model in MODELS:
        assert search(client, model, text) == set()


@pytest.mark.core
def test_a_nul_in_a_search_is_answered_with_a_page(client, boss, two):
    assert client.get(url(PaymentSession), {"q": "a\x00b"}).status_code == 200


def test_a_payer_is_found_by_the_whole_address_in_any_case(client, boss, two):
    first, _ = two

    for text in ("first@example.com", "FIRST@Example.com"):
        assert search(client, PaymentSession, text) == {first}
        assert search(client, Customer, text) == {first.customer}


@pytest.mark.parametrize(
    "text", ["first", "first@", "@example.com", "irst@example.com", "first@example.co", "%@example.com"]
)
def test_a_part_of_an_address_finds_nobody(client, boss, two, text):
    assert search(client, PaymentSession, text) == set()
    assert search(client, Customer, text) == set()


def test_a_payer_with_an_account_is_found_by_their_id_at_stripe(client, boss, stripe, user):
    session = start_checkout(Booking.objects.create(owner=user), user=user)
    start_checkout(Booking.objects.create())

    assert search(client, PaymentSession, session.customer.stripe_customer_id) == {session}
    assert search(client, Customer, session.customer.stripe_customer_id) == {session.customer}
    assert search(client, Customer, str(session.customer.pk)[:8]) == {session.customer}


@pytest.mark.parametrize("model", [Transaction, Refund, Dispute, PaymentEvent])
def test_what_belongs_to_a_payment_session_is_found_by_its_id(client, boss, two, model):
    for session in two:
        refund(session)
        dispute(session)
    first, _ = two
    belonging = set(model.objects.filter(session=first))
    assert belonging

    assert search(client, model, str(first.pk)) == belonging
    assert search(client, model, str(first.pk)[:8]) == belonging
    for row in belonging:
        assert search(client, model, str(row.pk)) == {row}


def test_rows_are_found_by_their_ids_at_stripe(client, boss, two):
    first, second = two
    given_back, disputed = refund(first), dispute(second)
    payment = Transaction.objects.get(session=first, kind=TransactionKind.PAYMENT)
    Transaction.objects.filter(pk=payment.pk).update(stripe_balance_transaction_id="txn_canary")
    delivery = WebhookEvent.objects.filter(type="payment_intent.succeeded").first()

    assert search(client, Refund, given_back.stripe_refund_id) == {given_back}
    assert search(client, Dispute, disputed.stripe_dispute_id) == {disputed}
    assert search(client, Transaction, payment.source_id) == {payment}
    assert search(client, Transaction, "txn_canary") == {payment}
    assert search(client, WebhookEvent, delivery.stripe_event_id) == {delivery}
    assert search(client, PaymentEvent, disputed.stripe_dispute_id) == {
        PaymentEvent.objects.get(dispute=disputed)
    }


def test_a_webhook_event_leads_to_what_it_caused(client, boss, two):
    event = PaymentEvent.objects.first()
    delivery = WebhookEvent.objects.get(stripe_event_id=event.caused_by)

    link = re.search(r'href="([^"]*paymentevent/\?q=[^"]+)"', html(client, page_of(delivery)))[1]

    assert set(client.get(link).context["cl"].result_list) == {event}


def test_a_customer_leads_to_their_payment_sessions(client, boss, two):
    first, _ = two

    link = re.search(r'href="([^"]*customer__exact=[^"]+)"', html(client, page_of(first.customer)))[1]

    assert set(client.get(link).context["cl"].result_list) == {first}


# Filters.


def test_payment_sessions_are_filtered(client, boss, stripe):
    paid, open_ = pay(stripe), start_checkout(Order.objects.create())
    canceled = start_checkout(Booking.objects.create())
    cancel_checkout(canceled)
    odd = start_checkout(Booking.objects.create())
    stripe.sandbox.alter_next_payment(amount=9_99)
    stripe.pay(odd)
    PaymentSession.objects.filter(pk=canceled.pk).update(livemode=True)
    PaymentSession.objects.filter(pk=open_.pk).update(created=timezone.now() - timedelta(days=400))
    since = (timezone.now() - timedelta(days=7)).isoformat()

    def shown(**query):
        return found(client, PaymentSession, **query)

    assert shown() == {paid, open_, canceled, odd}
    assert shown(status__exact=SessionStatus.SUCCEEDED) == {paid, odd}
    assert shown(status__exact=SessionStatus.CANCELED) == {canceled}
    assert shown(payable_type="shop.order") == {open_}
    assert shown(payable_type="booking") == {paid, canceled, odd}
    assert shown(review="needed") == {odd}
    assert shown(review="not_needed") == {paid, open_, canceled}
    assert shown(review=ReviewReason.AMOUNT) == {odd}
    accept_payment(odd, by="boss")
    assert shown(review="needed") == set()
    assert shown(review="not_needed") == {paid, open_, canceled, odd}
    assert shown(review=ReviewReason.DUPLICATE) == set()
    assert shown(livemode__exact="1") == {canceled}
    assert shown(livemode__exact="0") == {paid, open_, odd}
    assert shown(created__gte=since) == {paid, canceled, odd}
    assert shown(status__exact=SessionStatus.SUCCEEDED, review="not_needed", q=odd.payable_id) == {odd}


def test_what_moved_money_is_filtered(client, boss, two):
    first, second = two
    given_back, disputed = refund(first), dispute(second, status=DisputeStatus.WON)
    old = refund(second, amount=1_00, status=RefundStatus.PENDING)
    Refund.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(days=400))
    since = (timezone.now() - timedelta(days=7)).isoformat()

    moved = set(Transaction.objects.filter(kind="refund"))
    assert found(client, Transaction, kind__exact="refund") == moved
    assert found(client, Transaction, kind__exact="dispute") == set()
    assert found(client, Transaction, livemode__exact="1") == set()
    assert found(client, Refund, status__exact="succeeded") == {given_back}
    assert found(client, Refund, created__lt=since) == {old}
    assert found(client, Refund, session__livemode__exact="0") == {given_back, old}
    assert found(client, Dispute, status__exact="won") == {disputed}
    assert found(client, Dispute, status__exact="lost") == set()


def test_events_are_filtered(client, boss, two):
    WebhookEvent.objects.filter(type="charge.succeeded").update(state=WebhookState.FAILED)
    first, _ = two
    owed = tell(first, EventKind.DISPUTE_OPENED, "du_1", state=DeliveryState.OWED, cause=Cause.PERSON)

    failed = set(WebhookEvent.objects.filter(state="failed"))
    assert failed
    assert found(client, WebhookEvent, state__exact="failed") == failed
    completed = set(WebhookEvent.objects.filter(type="checkout.session.completed"))
    assert found(client, WebhookEvent, type="checkout.session.completed") == completed
    assert search(client, WebhookEvent, "charge.succeeded") == failed
    assert found(client, WebhookEvent, livemode__exact="1") == set()
    assert found(client, WebhookEvent, created__lt="2001-01-01T00:00:00+00:00") == set()
    assert found(client, PaymentEvent, state__exact="owed") == {owed}
    assert found(client, PaymentEvent, kind__exact="dispute_opened") == {owed}
    assert found(client, PaymentEvent, cause__exact="person") == {owed}
    assert owed not in found(client, PaymentEvent, cause__exact="webhook")


def test_every_choice_of_every_filter_can_be_taken(client, boss, everything):
    for model in MODELS:
        page = client.get(url(model))
        for chosen in page.context["cl"].filter_specs:
            for choice in chosen.choices(page.context["cl"]):
                assert client.get(url(model) + choice["query_string"]).status_code == 200


def test_every_filter_can_count_its_rows(client, boss, everything):
    for model in MODELS:
        page = html(client, url(model), _facets="True")
        assert f"({model.objects.count()})" in page


def test_every_column_that_can_be_sorted_by_can_be_sorted_by(client, boss, everything):
    for model in MODELS:
        columns = len(admin.site.get_model_admin(model).list_display)
        for number in range(1, columns + 1):
            assert found(client, model, o=f"-{number}") == set(model.objects.all())


# Amounts.


@pytest.mark.parametrize(
    ("currency", "amount", "formatted"),
    [("gbp", 1_234_50, "1,234.50 GBP"), ("jpy", 5000, "5,000 JPY"), ("kwd", 12_340, "12.340 KWD")],
)
def test_amounts_have_the_decimals_of_their_currency(client, boss, stripe, currency, amount, formatted):
    session = pay(stripe, Booking.objects.create(deposit=amount, currency=currency))
    refund(session, amount)

    for address in (
        url(PaymentSession),
        url(Transaction),
        url(Refund),
        page_of(session),
        *map(page_of, session.transactions.all()),
        *map(page_of, session.refunds.all()),
    ):
        assert formatted in html(client, address)
    assert f"-{formatted}" in html(client, url(Transaction))


def test_a_payment_session_shows_what_was_asked_paid_and_refunded(client, boss, stripe):
    session = pay(stripe)
    refund_payment(session, Money(2_00, "gbp"))

    page = html(client, page_of(session))

    amounts = dict(re.findall(r'(?s)fieldBox field-formatted_(\w+)".*?class="readonly">([^<]*)<', page))
    assert amounts == {
        "amount": "12.50 GBP",
        "paid": "12.50 GBP",
        "refunded": "2.00 GBP",
        "refundable": "10.50 GBP",
    }


def test_a_settlement_is_in_its_own_currency(client, boss, stripe):
    payment = pay(stripe).transactions.get()
    Transaction.objects.filter(pk=payment.pk).update(
        settled_gross=14_50, fee=-52, net=15_02, settlement_currency="eur"
    )

    for address in (url(Transaction), page_of(payment)):
        page = html(client, address)
        assert ["14.50 EUR" in page, "-0.52 EUR" in page, "15.02 EUR" in page] == [True, True, True]


def test_a_currency_that_is_not_known_is_shown_in_its_minor_unit(client, boss, stripe):
    session = pay(stripe)
    movement = move(session, TransactionKind.DISPUTE, -1_234, currency="zzz")
    disputed = dispute(session, currency="zzz", amount=1_234)
    PaymentSession.objects.filter(pk=session.pk).update(currency="zzz")

    for address in (
        url(Transaction),
        page_of(movement),
        url(Dispute),
        page_of(disputed),
        url(PaymentSession),
        page_of(session),
    ):
        assert "ZZZ in the minor unit" in html(client, address)
    assert "-1,234 ZZZ" in html(client, page_of(movement))


# A payment session and what belongs to it.


def test_the_timeline_tells_what_happened_and_who_was_told(client, boss, stripe):
    session = start_checkout(Booking.objects.create())
    stripe.decline(session)
    stripe.pay(session)
    PaymentEvent.objects.filter(kind=EventKind.PAYMENT_SUCCEEDED).update(
        state=DeliveryState.OWED, last_error="shop.confirm: ValueError"
    )

    page = html(client, page_of(session))

    timeline = re.search(r'(?s)id="events-group".*?</table>', page)[0]
    words = [
        "Attempt declined",
        "generic_decline",
        "Payment succeeded",
        "Webhook",
        "Owed",
        "shop.confirm: ValueError",
    ]
    assert [each for each in words if each not in timeline] == []
    assert timeline.index("Attempt declined") < timeline.index("Payment succeeded")


def test_a_page_leaves_out_what_did_not_happen(client, boss, stripe):
    session = start_checkout(Booking.objects.create())

    page = html(client, page_of(session))

    assert "Paid at" not in page
    assert "refunds-group" not in page
    assert "review_reason" not in page


def test_a_review_says_why_and_who_decided(client, boss, stripe):
    session = start_checkout(Booking.objects.create())
    stripe.sandbox.alter_next_payment(amount=9_99)
    stripe.pay(session)
    PaymentSession.objects.update(review_decision="accepted", reviewed_by="boss", review_note="It is enough.")

    page = html(client, page_of(session))

    for words in ("Another amount was paid", "accepted", "boss", "It is enough."):
        assert words in page
    assert "Another amount was paid" in html(client, url(PaymentSession))


def test_rows_that_belong_together_link_to_each_other(client, boss, everything, user):
    page = html(client, page_of(everything))
    rows = [
        everything.customer,
        *everything.transactions.all(),
        *everything.refunds.all(),
        *everything.disputes.all(),
        *everything.events.all(),
    ]
    assert [row for row in rows if f'href="{page_of(row)}"' not in page] == []
    for row in rows[1:]:
        assert f'href="{page_of(everything)}"' in html(client, page_of(row))
    event = everything.events.get(kind=EventKind.PAYMENT_REFUNDED)
    assert f'href="{page_of(event.transaction)}"' in html(client, page_of(event))
    mine = PaymentSession.objects.get(owner=user)
    account = reverse("admin:auth_user_change", args=[user.pk])
    assert f'<a href="{account}">ann</a>' in html(client, page_of(mine))
    assert f'<a href="{account}">ann</a>' in html(client, page_of(mine.customer))


def test_a_payable_links_to_its_own_page_if_it_has_one(client, boss, stripe):
    booking, basket = Booking.objects.create(), Basket.objects.create(lines=[["Tea", 5_00, 1]], declared=5_00)
    first, second = start_checkout(booking), start_checkout(basket)
    address = reverse("admin:shop_booking_change", args=[booking.pk])

    for page in (url(PaymentSession), page_of(first)):
        assert f'<a href="{address}">booking {booking.pk}</a>' in html(client, page)
    assert "shop/basket" not in html(client, page_of(second))
    assert f"basket {basket.pk}" in html(client, page_of(second))


@pytest.mark.core
def test_a_list_shows_the_beginning_of_a_long_id_and_the_page_all_of_it(client, boss, stripe):
    session = start_checkout(Order.objects.create())

    listed, page = html(client, url(PaymentSession)), html(client, page_of(session))

    assert f"shop.order {session.payable_id[:8]}…" in listed
    assert session.payable_id not in re.sub(r'="[^"]*"', "", listed)
    assert f"shop.order {session.payable_id}" in page


def test_a_payable_of_a_type_that_is_gone_is_plain_text(client, boss, stripe):
    session = start_checkout(Booking.objects.create())
    PaymentSession.objects.update(payable_type="forgotten", payable_id="<b>1</b>")

    for page in (url(PaymentSession), page_of(session)):
        assert "forgotten &lt;b&gt;1&lt;/b&gt;" in html(client, page)


# Stripe's dashboard.

DASHBOARD = re.compile(r'<a href="https://dashboard\.stripe\.com/([^"]+)"([^>]*)>')


def dashboard_links(page):
    return {path for path, _ in DASHBOARD.findall(page)}


def test_in_test_mode_ids_link_to_the_test_pages_of_the_dashboard(client, boss, everything, user):
    mine = PaymentSession.objects.get(owner=user)
    delivery = WebhookEvent.objects.first()
    intent, disputed = everything.stripe_payment_intent_id, everything.disputes.get().stripe_dispute_id

    assert f"test/payments/{intent}" in dashboard_links(html(client, url(PaymentSession)))
    assert dashboard_links(html(client, page_of(everything))) == {
        f"test/payments/{intent}",
        f"test/disputes/{disputed}",
    }
    assert dashboard_links(html(client, page_of(mine.customer))) == {
        f"test/customers/{mine.customer.stripe_customer_id}"
    }
    assert dashboard_links(html(client, page_of(delivery))) == {f"test/events/{delivery.stripe_event_id}"}


def test_in_live_mode_they_link_to_the_live_pages(client, boss, everything):
    for model in (PaymentSession, Transaction, Customer, WebhookEvent):
        model.objects.update(livemode=True)

    links = set().union(*map(dashboard_links, pages(client)))

    assert f"payments/{everything.stripe_payment_intent_id}" in links
    assert {path.partition("/")[0] for path in links} == {"payments", "customers", "disputes", "events"}


def test_a_link_to_stripe_does_not_tell_stripe_where_it_was_followed(client, boss, everything):
    attributes = {rest for _, rest in DASHBOARD.findall(html(client, page_of(everything)))}

    assert attributes == {' target="_blank" rel="noopener noreferrer"'}


def test_on_a_sandbox_there_are_no_links_to_stripe(client, boss, everything):
    with override_payments(STRIPE_API_BASE="http://127.0.0.1:8420"):
        shown = "".join(pages(client))

    assert "dashboard.stripe.com" not in shown
    assert everything.stripe_payment_intent_id in shown


def test_an_event_of_another_account_is_not_in_our_dashboard(client, boss, everything):
    WebhookEvent.objects.update(account="acct_other")
    delivery = WebhookEvent.objects.first()

    assert dashboard_links(html(client, page_of(delivery))) == set()


def test_an_id_cannot_lead_elsewhere_nor_bring_a_script(client, boss, everything):
    evil = 'pi_"><script>alert(1)</script>/../../evil'
    PaymentSession.objects.filter(pk=everything.pk).update(stripe_payment_intent_id=evil)

    page = html(client, page_of(everything))

    assert "<script>alert" not in page
    assert "test/payments/pi_%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E%2F..%2F..%2Fevil" in page


# Speed and style.


def queries(client, address):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_a_list_asks_as_often_for_many_rows_as_for_one(client, boss, stripe, user):
    def buy():
        booking = Booking.objects.create(owner=user)
        session = start_checkout(booking)
        stripe.pay(session)
        refund(session)
        dispute(session)

    buy()
    # What Django remembers of content types and permissions.
    for model in MODELS:
        client.get(url(model))
    few = {model: queries(client, url(model)) for model in MODELS}
    for _ in range(19):
        buy()

    assert {model: queries(client, url(model)) for model in MODELS} == few
    assert max(few.values()) <= 6


def test_a_page_asks_as_often_for_many_rows_as_for_one(client, boss, stripe):
    session = pay(stripe)
    refund(session, 1), dispute(session, 1)
    client.get(page_of(session))
    few = queries(client, page_of(session))
    for number in range(2, 21):
        refund(session, number), dispute(session, number)

    assert queries(client, page_of(session)) == few
    assert few <= 16


@pytest.mark.core
def test_a_page_brings_no_style_and_no_script_of_its_own(client, boss, stripe):
    session = pay(stripe)

    for address in (url(PaymentSession), page_of(session)):
        page = html(client, address)
        assert 'href="/static/generic_payments/admin.css"' in page
        assert not re.search(
            r"<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\bsrc=)(?![^>]*json)", page
        )


@pytest.mark.core
def test_a_theme_comes_between_our_classes_and_djangos(client, boss, stripe):
    class ThemedAdmin(admin.ModelAdmin):
        list_per_page = 7

    ours = type(admin.site.get_model_admin(PaymentSession))
    combined = type("ThemedSessions", (ours, ThemedAdmin), {})(PaymentSession, admin.site)

    assert issubclass(ours, ReadOnlyAdmin)
    assert combined.list_per_page == 7
    assert not combined.has_delete_permission(None)
