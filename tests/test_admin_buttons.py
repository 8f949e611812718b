"""The buttons of the admin: for whom they are, what they do, and what they leave alone."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connection, transaction
from django.test import Client, override_settings
from django.urls import include, path, reverse
from django.utils import timezone

from django_generic_payments.admin import Button, ButtonsMixin, PaymentSessionAdmin
from django_generic_payments.enums import Cause, DeliveryState, SessionStatus, WebhookState
from django_generic_payments.maintenance.work import work_off
from django_generic_payments.models import PaymentEvent, PaymentSession, WebhookEvent
from django_generic_payments.services import start_checkout
from tests.flows.coherence import assert_coherent, heard
from tests.maintenance.conftest import trouble
from tests.maintenance.scenes import BALANCE, failed_event, let_pass, paid
from tests.shop.models import Booking

__all__ = ["trouble"]

pytestmark = [pytest.mark.django_db, pytest.mark.core]

ONE_CHECKOUT = "/v1/checkout/sessions/{id}"


@pytest.fixture
def clerk(client, django_user_model):
    """Somebody of the staff who may look at everything of ours and press the buttons, logged in."""
    clerk = django_user_model.objects.create_user("clerk", "clerk@staff.example", is_staff=True)
    ours = Permission.objects.filter(content_type__app_label="generic_payments")
    clerk.user_permissions.set(ours.filter(codename__regex="^(view|change)_"))
    client.force_login(clerk)
    return clerk


@pytest.fixture
def onlooker(clerk):
    """The same, without the permission to change anything."""
    clerk.user_permissions.set(clerk.user_permissions.filter(codename__startswith="view_"))
    return clerk


@pytest.fixture
def session(stripe):
    """Paid, and no webhook has said so."""
    session = start_checkout(Booking.objects.create(deposit=10_00))
    stripe.pay(session, deliver=False)
    return session


@pytest.fixture
def owed(stripe, trouble):
    """An event of which one receiver could not be told, and will be the next time."""
    trouble(1)
    return paid(stripe).events.get()


@pytest.fixture
def failed(stripe):
    """An event of Stripe that could not be applied, and will be the next time."""
    return failed_event(stripe)


def address(row, page="change"):
    return reverse(f"admin:generic_payments_{row._meta.model_name}_{page}", args=[row.pk])


def ask_stripe(client, session):
    """Press the button, and return what is told."""
    return press(client, session, "ask-stripe")


def try_again(client, row):
    return press(client, row, "try-again")


def press(client, row, button):
    answer = client.post(address(row, button))
    assert (answer.status_code, answer["Location"]) == (302, address(row))
    (message,) = get_messages(answer.wsgi_request)
    page = client.get(address(row)).content.decode()
    assert message.message in unescape(page)
    return message.level_tag, message.message


def buttons(client, row):
    """Return the buttons on a page."""
    page = client.get(address(row)).content.decode()
    return re.findall(
        r'action="[^"]*/([a-z-]+)/" class="payments-button".*?<button type="submit">([^<]+)<', page
    )


# Ask Stripe.


def test_stripe_is_asked_and_what_changed_is_told(client, clerk, session):
    assert buttons(client, session) == [("ask-stripe", "Ask Stripe")]

    assert ask_stripe(client, session) == (
        "success",
        "Stripe says: Waiting for payment → Paid, Payment succeeded.",
    )

    assert_coherent(session)
    event = session.events.get()
    assert (event.cause, event.caused_by) == (Cause.PERSON, f"user:{clerk.pk}")
    assert heard(Booking.objects.get()) == ["payment_succeeded"]


def test_nothing_new_is_told_as_that(client, clerk, session):
    ask_stripe(client, session)

    assert ask_stripe(client, session) == ("info", "Stripe says nothing new.")


def test_a_refund_that_nobody_told_of_is_found(client, clerk, stripe, session):
    ask_stripe(client, session)
    stripe.refund(session, deliver=False)

    assert ask_stripe(client, session) == ("success", "Stripe says: Paid → Refunded, Payment refunded.")


@pytest.mark.parametrize("failure", ["503", "connection_lost_before", "429", "500"])
def test_no_error_page_is_shown_if_stripe_does_not_answer(client, clerk, stripe, session, failure):
    stripe.sandbox.fail_next(failure, method="GET", path=ONE_CHECKOUT)

    level, told = ask_stripe(client, session)

    assert (level, told.startswith("Stripe did not help: ")) == ("error", True)
    session.refresh_from_db()
    assert session.status == SessionStatus.PENDING


def test_what_stripe_does_not_know_is_no_error_page_either(client, clerk, session):
    PaymentSession.objects.update(stripe_checkout_session_id="cs_of_another_account")

    level, _told = ask_stripe(client, session)

    assert level == "error"


def test_what_was_never_opened_there_or_is_of_the_other_mode_is_not_asked_for(client, clerk, stripe, session):
    with transaction.atomic():
        unopened = start_checkout(Booking.objects.create())
    PaymentSession.objects.filter(pk=session.pk).update(livemode=True)
    asked = len(stripe.sandbox.requests)

    for row in (unopened, session):
        assert buttons(client, row) == []
        told = ask_stripe(client, row)
        assert told == ("warning", "Nothing was done: the row has changed since the page was shown.")

    assert len(stripe.sandbox.requests) == asked


# Try again.


def test_a_receiver_is_told_at_once(client, clerk, owed):
    assert buttons(client, owed) == [("try-again", "Try again")]

    assert try_again(client, owed) == ("success", "All receivers have been told.")

    owed.refresh_from_db()
    assert owed.state == DeliveryState.DELIVERED
    assert buttons(client, owed) == []
    assert_coherent(owed.session)


def test_what_was_given_up_begins_anew(client, clerk, stripe, trouble):
    trouble(2)
    event = paid(stripe).events.get()
    PaymentEvent.objects.update(state=DeliveryState.DEAD, attempts=13, next_attempt_at=None)
    let_pass(timedelta(days=30))

    assert try_again(client, event) == ("error", "It failed again. The worker goes on trying.")

    event.refresh_from_db()
    assert (event.state, event.attempts) == (DeliveryState.OWED, 1)
    assert timezone.now() < event.next_attempt_at <= timezone.now() + timedelta(minutes=1)
    let_pass(timedelta(minutes=1))
    assert [report.done for report in work_off()] == [1]


@pytest.mark.parametrize("state", [WebhookState.FAILED, WebhookState.DEAD])
def test_an_event_of_stripe_is_applied_at_once(client, clerk, failed, state):
    WebhookEvent.objects.filter(pk=failed.pk).update(state=state)
    assert buttons(client, failed) == [("try-again", "Try again")]

    assert try_again(client, failed) == ("success", "The event has been applied.")

    failed.refresh_from_db()
    assert (failed.state, failed.next_attempt_at) == (WebhookState.PROCESSED, None)
    assert not PaymentSession.objects.get().transactions.without_fee().exists()


def test_an_event_of_stripe_that_fails_again_waits_for_the_worker(client, clerk, stripe, failed):
    WebhookEvent.objects.filter(pk=failed.pk).update(state=WebhookState.DEAD, attempts=13)
    stripe.sandbox.fail_next("503", method="GET", path=BALANCE)

    assert try_again(client, failed) == ("error", "It failed again. The worker goes on trying.")

    failed.refresh_from_db()
    assert (failed.state, failed.attempts) == (WebhookState.FAILED, 1)
    let_pass(timedelta(minutes=1))
    assert [report.done for report in work_off()] == [1]


def test_what_is_done_or_of_the_other_mode_cannot_be_tried_again(client, clerk, owed):
    done = WebhookEvent.objects.get()
    PaymentSession.objects.update(livemode=True)

    for row in (done, owed):
        assert buttons(client, row) == []
        assert try_again(client, row)[0] == "warning"

    assert PaymentEvent.objects.get().state == DeliveryState.OWED


# For whom, and from where.


def test_whoever_may_only_look_sees_no_button_and_is_refused(client, onlooker, session, owed, failed):
    for row, button in ((session, "ask-stripe"), (owed, "try-again"), (failed, "try-again")):
        assert buttons(client, row) == []
        assert client.post(address(row, button)).status_code == 403


@pytest.mark.parametrize("codename", ["change_paymentevent", "change_webhookevent", "change_paymentsession"])
def test_each_table_has_its_own_permission(client, onlooker, session, owed, failed, codename):
    onlooker.user_permissions.add(Permission.objects.get(codename=codename))

    pressed = {
        "change_paymentsession": client.post(address(session, "ask-stripe")).status_code,
        "change_paymentevent": client.post(address(owed, "try-again")).status_code,
        "change_webhookevent": client.post(address(failed, "try-again")).status_code,
    }

    assert pressed == {**dict.fromkeys(pressed, 403), codename: 302}


def test_strangers_are_sent_to_the_login(client, session):
    answer = client.post(address(session, "ask-stripe"))

    assert (answer.status_code, "/login/" in answer["Location"]) == (302, True)
    assert not session.events.exists()


def test_a_button_is_pressed_and_not_followed(client, clerk, stripe, session):
    asked = len(stripe.sandbox.requests)

    answer = client.get(address(session, "ask-stripe"))

    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert len(stripe.sandbox.requests) == asked


def test_no_page_of_another_site_can_press_it(clerk, session):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(clerk)

    assert careful.post(address(session, "ask-stripe")).status_code == 403

    page = careful.get(address(session)).content.decode()
    (form,) = re.findall(r'<form [^>]*class="payments-button">.*?</form>', page)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
    answer = careful.post(address(session, "ask-stripe"), {"csrfmiddlewaretoken": token})
    assert answer.status_code == 302


@pytest.mark.parametrize("key", ["00000000-0000-4000-8000-000000000000", "nobody"])
def test_a_row_that_does_not_exist_is_not_found(client, clerk, key):
    pressed = reverse("admin:generic_payments_paymentsession_ask-stripe", args=[key])

    assert client.post(pressed).status_code == 404


def test_the_history_of_a_row_says_who_pressed_what(client, clerk, session):
    ask_stripe(client, session)

    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (clerk, str(session.pk))
    assert (
        entry.get_change_message()
        == "Ask Stripe: Stripe says: Waiting for payment → Paid, Payment succeeded."
    )
    assert "Ask Stripe" in client.get(address(session, "history")).content.decode()


# Where it runs.


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_around_it_even_with_atomic_requests(client, clerk, session, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

    assert ask_stripe(client, session)[0] == "success"

    assert_coherent(session)


class BookingAdmin(ButtonsMixin):
    """An admin of somebody else's, with a button of its own."""

    buttons = (
        Button[Booking](
            "confirm",
            "Confirm",
            lambda row: not row.confirmed,
            lambda row, user: (20, f"Confirmed for {user} and ann@example.com."),
        ),
    )


back_office = admin.AdminSite("back_office")
back_office.register(PaymentSession, PaymentSessionAdmin)
back_office.register(Booking, BookingAdmin)
urlpatterns = [
    path("back-office/", back_office.urls),
    path("admin/", admin.site.urls),
    path("payments/", include("django_generic_payments.urls")),
]


@override_settings(ROOT_URLCONF=__name__)
def test_on_another_admin_site_it_stays_there(client, clerk, session):
    page = reverse(
        "admin:generic_payments_paymentsession_change", args=[session.pk], current_app="back_office"
    )

    shown = client.get(page).content.decode()
    answer = client.post(f"/back-office/generic_payments/paymentsession/{session.pk}/ask-stripe/")

    assert page.startswith("/back-office/")
    assert re.findall(r'action="(\S+)" class="payments-button"', shown) == [
        page.replace("change", "ask-stripe")
    ]
    assert (answer.status_code, answer["Location"]) == (302, page)


@override_settings(ROOT_URLCONF=__name__)
def test_an_app_may_have_a_button_of_its_own(client, admin_client):
    booking = Booking.objects.create()
    page = f"/back-office/shop/booking/{booking.pk}/change/"

    shown = admin_client.get(page).content.decode()
    answer = admin_client.post(f"/back-office/shop/booking/{booking.pk}/confirm/")

    assert '<button type="submit">Confirm</button>' in shown
    assert answer["Location"] == page
    assert [str(each) for each in get_messages(answer.wsgi_request)] == [
        "Confirmed for admin and a…@example.com."
    ]
