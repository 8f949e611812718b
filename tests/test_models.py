"""The tables: status from facts, guards, and what rows say of themselves."""

from __future__ import annotations

import itertools
import uuid

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import DatabaseError, models, transaction
from django.test import override_settings
from django.utils import timezone

from django_generic_payments.enums import (
    Cause,
    DeliveryState,
    DisputeStatus,
    EventKind,
    RefundStatus,
    SessionStatus,
    TransactionKind,
    WebhookState,
)
from django_generic_payments.exceptions import UnknownPayable
from django_generic_payments.models import (
    Customer,
    Dispute,
    PaymentEvent,
    PaymentSession,
    Refund,
    Transaction,
    WebhookEvent,
    slot_of,
)
from django_generic_payments.money import Money
from tests.shop.models import Booking

pytestmark = pytest.mark.core

NOW = timezone.now()
OURS = list(apps.get_app_config("generic_payments").get_models())

S = SessionStatus

# The status for every combination of the facts that end a session, whatever else is known of it: failed, canceled,
# expired. Written out, so that the order of precedence is a decision that can be read.
ENDINGS = {
    (True, False, False): S.FAILED,
    (True, False, True): S.FAILED,
    (True, True, False): S.FAILED,
    (True, True, True): S.FAILED,
    (False, True, False): S.CANCELED,
    (False, True, True): S.CANCELED,
    (False, False, True): S.EXPIRED,
}
# Of 1000 that were paid, so much went back.
REFUNDED = {
    0: S.SUCCEEDED,
    1: S.PARTIALLY_REFUNDED,
    999: S.PARTIALLY_REFUNDED,
    1000: S.REFUNDED,
    1001: S.REFUNDED,
}


def make(**fields):
    return PaymentSession(
        **{
            "payable_type": "booking",
            "payable_id": "1",
            "amount": 10_00,
            "currency": "gbp",
            "livemode": False,
            **fields,
        }
    )


def moment(known):
    return NOW if known else None


def combinations():
    for facts in itertools.product([False, True], repeat=7):
        for refunded in REFUNDED:
            yield (*facts, refunded)


def test_money_that_arrived_outweighs_everything():
    for completed, processing, failed, canceled, expired, opened, _, refunded in combinations():
        session = make(
            completed_at=moment(completed),
            processing_at=moment(processing),
            failed_at=moment(failed),
            canceled_at=moment(canceled),
            expired_at=moment(expired),
            stripe_checkout_session_id="cs_1" if opened else None,
            paid_at=NOW,
            paid_amount=10_00,
            refunded_amount=refunded,
        )

        assert session.derived_status is REFUNDED[refunded]
        assert session.has_ended is (REFUNDED[refunded] is S.REFUNDED)


def test_without_money_the_endings_decide_and_then_what_is_under_way():
    for completed, processing, failed, canceled, expired, opened, _, refunded in combinations():
        session = make(
            completed_at=moment(completed),
            processing_at=moment(processing),
            failed_at=moment(failed),
            canceled_at=moment(canceled),
            expired_at=moment(expired),
            stripe_checkout_session_id="cs_1" if opened else None,
            refunded_amount=refunded,
        )
        under_way = S.PROCESSING if processing else S.PENDING if opened else S.CREATED

        assert session.derived_status is ENDINGS.get((failed, canceled, expired), under_way)
        assert session.has_ended is (failed or canceled or expired)


def test_every_status_can_be_derived():
    reached = {*ENDINGS.values(), *REFUNDED.values(), S.PROCESSING, S.PENDING, S.CREATED}

    assert reached == set(S)


@pytest.mark.parametrize("status", S)
def test_a_status_is_open_or_processing_or_final(status):
    assert status.is_open + (status is S.PROCESSING) + status.is_final == 1
    assert not (status.is_paid and not status.is_final)


def test_a_new_session_is_what_its_facts_say():
    assert make().status == make().derived_status == S.CREATED


# Slots and addresses.


def test_the_slot_names_what_is_paid_for():
    assert slot_of("booking", "7", "", livemode=True) == "booking:7:"
    assert make(payable_id="7", purpose="deposit").full_slot == "test/booking:7:deposit"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "1", "b"), ("a", "1:b", "")),
        (("a", "1:2", "b"), ("a", "1", "2.b")),
        (("a", "", "b"), ("a", "b", "")),
    ],
)
def test_two_things_never_share_a_slot(one, other):
    assert slot_of(*one, livemode=True) != slot_of(*other, livemode=True)


def test_a_slot_of_the_longest_parts_fits_its_column():
    field = PaymentSession._meta.get_field
    parts = [field(name).max_length * "x" for name in ("payable_type", "payable_id", "purpose")]

    assert len(slot_of(*parts, livemode=False)) <= field("slot").max_length


def test_the_pay_link_is_absolute_and_cannot_be_guessed():
    session = make()

    assert session.pay_url == f"http://testserver/payments/pay/{session.pk}/"
    assert session.pk.version == 4


def test_the_payer_is_sent_to_the_checkout_once_there_is_one():
    opened = make(stripe_checkout_url="https://checkout.example/c/1")
    waiting = make()

    assert opened.checkout_url == "https://checkout.example/c/1"
    assert waiting.checkout_url == waiting.pay_url


def test_a_session_knows_its_money_and_its_type():
    assert make().money == Money(10_00, "gbp")
    assert make().registered_type.cls is Booking
    with pytest.raises(UnknownPayable):
        _ = make(payable_type="gone").registered_type


# The tables.


def test_the_tables_are_those_of_the_design():
    assert set(OURS) == {Customer, Dispute, PaymentEvent, PaymentSession, Refund, Transaction, WebhookEvent}


@pytest.mark.parametrize("model", OURS)
def test_every_constraint_and_index_has_a_name_of_ours(model):
    names = [each.name for each in [*model._meta.constraints, *model._meta.indexes]]

    assert all(name.startswith("generic_payments_") for name in names)
    # The shortest limit of the databases, which PostgreSQL has twice as long: indexes of Django are held to 30.
    assert all(len(index.name) <= 30 for index in model._meta.indexes)
    assert all(len(name) <= 63 for name in names)


def test_no_name_is_used_twice():
    names = [each.name for model in OURS for each in [*model._meta.constraints, *model._meta.indexes]]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("model", OURS)
def test_uniqueness_is_always_named(model):
    assert not [field.name for field in model._meta.local_fields if field.unique and not field.primary_key]
    assert not model._meta.unique_together


@pytest.mark.parametrize("model", OURS)
def test_keys_do_not_depend_on_the_project(model):
    key = model._meta.pk

    assert isinstance(key, models.UUIDField)
    assert key.default is uuid.uuid4
    assert not key.auto_created


@override_settings(DEFAULT_AUTO_FIELD="django.db.models.SmallAutoField")
@pytest.mark.django_db
def test_the_migrations_are_complete_whatever_the_project_sets():
    call_command("makemigrations", "generic_payments", "--check", "--dry-run", verbosity=0)


@pytest.mark.parametrize("model", [Transaction, Refund, Dispute, PaymentEvent])
def test_money_is_protected_by_what_hangs_on_it(model):
    assert model._meta.get_field("session").remote_field.on_delete is models.PROTECT


@pytest.mark.parametrize(
    "field",
    [
        PaymentSession._meta.get_field("owner"),
        PaymentSession._meta.get_field("customer"),
        Customer._meta.get_field("user"),
    ],
)
def test_money_outlives_the_people(field):
    assert field.remote_field.on_delete is models.SET_NULL
    assert field.null


@pytest.mark.django_db
def test_a_user_who_leaves_leaves_the_payments(user):
    customer = Customer.objects.create(user=user, livemode=False)
    session = make(owner=user, customer=customer)
    session.save()

    user.delete()

    session.refresh_from_db()
    customer.refresh_from_db()
    assert (session.owner, session.customer, customer.user) == (None, customer, None)


@pytest.mark.parametrize("model", OURS)
def test_choices_fit_their_columns(model):
    for field in model._meta.local_fields:
        if field.choices:
            assert max(len(value) for value, _ in field.flatchoices) <= field.max_length


@pytest.mark.parametrize("model", OURS)
def test_amounts_are_big_integers(model):
    names = {"amount", "gross", "paid_amount", "refunded_amount", "settled_gross", "fee", "net"}

    for field in model._meta.local_fields:
        if field.name in names:
            assert isinstance(field, models.BigIntegerField)


def test_the_app_is_called_what_the_tables_are_called():
    config = apps.get_app_config("generic_payments")

    assert config.name == "django_generic_payments"
    assert config.default_auto_field == "django.db.models.BigAutoField"
    assert "django_generic_payments" in django_settings.INSTALLED_APPS


# The ledger.


@pytest.fixture
def payment(db):
    session = make(paid_at=NOW, paid_amount=10_00, status=S.SUCCEEDED)
    session.save()
    return Transaction.objects.create(
        session=session,
        kind=TransactionKind.PAYMENT,
        gross=10_00,
        currency="gbp",
        source_id="pi_1",
        occurred_at=NOW,
        livemode=False,
    )


def test_a_ledger_row_cannot_be_deleted(payment):
    with pytest.raises(TypeError, match="Book the opposite movement instead"):
        payment.delete()

    assert Transaction.objects.count() == 1


def test_nor_can_many_at_once(payment):
    for rows in (
        Transaction.objects.all(),
        Transaction.objects.filter(pk=payment.pk),
        payment.session.transactions.all(),
    ):
        with pytest.raises(TypeError, match="Book the opposite movement instead"):
            rows.delete()

    assert Transaction.objects.count() == 1


def test_nor_with_its_session(payment):
    with pytest.raises(models.ProtectedError):
        payment.session.delete()


def test_money_is_booked_once(payment):
    twin = Transaction(
        session=payment.session,
        kind=payment.kind,
        gross=5,
        currency="gbp",
        source_id="pi_1",
        occurred_at=NOW,
        livemode=False,
    )

    assert not Transaction.objects.insert_once(twin)
    twin.id, twin.livemode = uuid.uuid4(), True
    assert Transaction.objects.insert_once(twin)


@pytest.mark.parametrize(("gross", "fee", "net"), [(1000, 34, 967), (1000, 34, -966), (1000, 0, 0)])
def test_net_is_gross_less_fee(payment, gross, fee, net):
    payment.settled_gross, payment.fee, payment.net = gross, fee, net

    with pytest.raises(DatabaseError), transaction.atomic():
        payment.save()


@pytest.mark.parametrize(("gross", "fee", "net"), [(1000, 34, 966), (-1000, 0, -1000), (None, None, None)])
def test_net_may_be_known_later(payment, gross, fee, net):
    payment.settled_gross, payment.fee, payment.net = gross, fee, net

    payment.save()

    payment.refresh_from_db()
    assert payment.net == net


@pytest.mark.parametrize("wrong", [{"amount": 0}, {"amount": -5}, {"status": "done"}])
def test_an_impossible_refund_is_refused_by_the_database(payment, wrong):
    fields = {
        "session": payment.session,
        "payment": payment,
        "amount": 5,
        "status": RefundStatus.REQUESTED,
        "idempotency_key": "k",
        **wrong,
    }

    with pytest.raises(DatabaseError), transaction.atomic():
        Refund.objects.create(**fields)


# What rows say of themselves: it ends in logs.


PERSONAL = ["canary@example.com", "Canary Payer", "+44canary", "canary description", "canary note"]


def rows():
    customer = Customer(email=PERSONAL[0], name=PERSONAL[1], phone=PERSONAL[2], livemode=False)
    session = make(
        customer=customer,
        description=PERSONAL[3],
        review_note=PERSONAL[4],
        metadata={"name": PERSONAL[1]},
        stripe_params=PERSONAL[0],
    )
    refund = Refund(
        session=session, amount=5, reason="duplicate", requested_by=PERSONAL[0], stripe_refund_id="re_1"
    )
    return [
        customer,
        session,
        refund,
        Transaction(session=session, kind=TransactionKind.PAYMENT, gross=5, currency="gbp", source_id="pi_1"),
        Dispute(
            session=session, amount=5, currency="gbp", status=DisputeStatus.WON, stripe_dispute_id="dp_1"
        ),
        WebhookEvent(stripe_event_id="evt_1", type="ping", body=PERSONAL[0], state=WebhookState.RECEIVED),
        PaymentEvent(
            session=session,
            kind=EventKind.PAYMENT_SUCCEEDED,
            cause=Cause.PERSON,
            caused_by=PERSONAL[0],
            note=PERSONAL[4],
            state=DeliveryState.OWED,
        ),
    ]


@pytest.mark.parametrize("row", rows(), ids=lambda row: type(row).__name__)
def test_a_row_names_itself_without_personal_data(row):
    for text in (str(row), repr(row)):
        assert text.strip()
        assert not [each for each in PERSONAL if each in text]


def test_names_of_rows_are_those_of_their_ids():
    assert [str(row) for row in rows()[1:6]] == [
        "booking:1 Created",
        "re_1 Requested",
        "Payment 0.05 GBP pi_1",
        "dp_1 Won",
        "ping evt_1",
    ]
    assert str(Customer(stripe_customer_id="cus_1")) == "cus_1"


@pytest.mark.parametrize(("owed_to", "names"), [("", []), ("|a|", ["a"]), ("|a|a.b|c|", ["a", "a.b", "c"])])
def test_who_is_owed_an_event_can_be_listed(owed_to, names):
    assert list(PaymentEvent(owed_to=owed_to).owed_receivers) == names
