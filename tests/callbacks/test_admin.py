"""Staff can look at callbacks and send them again, and can do nothing else to them."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from django_generic_payments.contrib.callbacks.models import Callback
from django_generic_payments.contrib.callbacks.sending import send_due_callbacks
from tests.callbacks.server import Told

pytestmark = [pytest.mark.core, pytest.mark.django_db]

LIST = "admin:generic_payments_callbacks_callback_changelist"


def address(page, *args):
    return reverse(f"admin:generic_payments_callbacks_callback_{page}", args=args)


@pytest.fixture
def login(client, django_user_model):
    """Log somebody of the staff in who has these permissions of callbacks."""

    def login(*names, **fields):
        user = django_user_model.objects.create_user("clerk", "clerk@staff.example", is_staff=True, **fields)
        user.user_permissions.set(Permission.objects.filter(codename__in=[f"{n}_callback" for n in names]))
        client.force_login(user)
        return user

    return login


@pytest.fixture
def delivered(service, callback):
    """A callback that was delivered."""
    send_due_callbacks()
    callback.refresh_from_db()
    assert callback.state == "delivered"
    return callback


def choose(client, *callbacks):
    keys = [each.pk for each in callbacks]
    return client.post(address("changelist"), {"action": "send_again", "_selected_action": keys}, follow=True)


def press(client, callback):
    return client.post(address("send-again", callback.pk))


def is_owed(callback):
    callback.refresh_from_db()
    return callback.state == "owed"


def test_a_page_shows_what_was_sent_and_what_came_of_it(client, login, service, callback):
    service.answers = [Told(500, body=b"answer-canary")]
    send_due_callbacks()
    login("view")

    listed = client.get(address("changelist")).content.decode()
    page = client.get(address("change", callback.pk)).content.decode()

    for shown in (listed, page):
        assert f"http://127.0.0.1:{service.port}/hooks/" in shown
        assert "Answered 500." in shown
        assert f"/admin/generic_payments/paymentevent/{callback.event_id}/change/" in shown
        assert "canary" not in shown
    assert callback.body.replace('"', "&quot;") in re.search(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)[1]


def test_no_page_shows_a_secret(client, login, callback, secret):
    login("view", "change")

    shown = client.get(address("changelist")).content + client.get(address("change", callback.pk)).content

    assert b"whsec" not in shown
    assert secret[6:].encode() not in shown


@pytest.mark.parametrize(
    ("permissions", "may_look", "may_send"),
    [
        ((), False, False),
        (("view",), True, False),
        (("change",), True, True),
        (("view", "change"), True, True),
        (("add", "delete"), False, False),
        (("view", "add", "delete"), True, False),
    ],
)
def test_who_may_do_what(client, login, delivered, permissions, may_look, may_send):
    login(*permissions)

    pages = [client.get(address("changelist")), client.get(address("change", delivered.pk))]
    has_button = "send-again" in pages[1].content.decode()
    has_action = 'value="send_again"' in pages[0].content.decode()
    choose(client, delivered)
    chosen = is_owed(delivered)
    Callback.objects.update(state="delivered")
    pressed = press(client, delivered)

    assert [each.status_code for each in pages] == [200 if may_look else 403] * 2
    assert (has_button, has_action, chosen, is_owed(delivered)) == (may_send,) * 4
    assert pressed.status_code == (302 if may_send else 403)


def test_a_superuser_may(client, login, delivered):
    login(is_superuser=True)

    press(client, delivered)

    assert is_owed(delivered)


def test_whoever_is_not_staff_is_sent_to_the_login(client, user, delivered):
    client.force_login(user)

    answer = press(client, delivered)

    assert "login" in answer["Location"]
    assert not is_owed(delivered)


def test_what_is_sent_again_is_the_same_and_leaves_a_trace(client, login, service, delivered):
    clerk = login("change")

    answer = press(client, delivered)
    delivered.refresh_from_db()
    assert (delivered.state, delivered.attempts) == ("owed", 0)
    send_due_callbacks()

    first, second = service.received
    assert (first.id, first.body) == (second.id, second.body)
    assert answer["Location"] == address("change", delivered.pk)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (clerk, str(delivered.pk))
    assert "canary" not in entry.object_repr


def test_the_button_needs_a_token_and_a_post(django_user_model, delivered):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(django_user_model.objects.create_superuser("boss", "boss@staff.example"))

    assert press(strict, delivered).status_code == 403
    assert strict.get(address("send-again", delivered.pk)).status_code == 405
    assert not is_owed(delivered)
    page = strict.get(address("change", delivered.pk)).content.decode()
    form = re.search(r'<form method="post" action="([^"]*send-again/)"[^>]*>(.*?)</form>', page, re.DOTALL)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form[2])[1]
    strict.post(form[1], {"csrfmiddlewaretoken": token})
    assert is_owed(delivered)


@pytest.mark.parametrize("key", ["no-uuid", "00000000-0000-4000-8000-000000000000"])
def test_what_does_not_exist_cannot_be_sent_again(client, login, key):
    login("change")

    assert client.post(address("send-again", key)).status_code == 404


def test_not_even_a_superuser_can_change_anything_else(client, login, delivered):
    login(is_superuser=True)
    before = Callback.objects.values().get()
    fields = {"url": "https://evil.example/", "state": "dead", "body": "{}", "_save": "1"}

    answers = [
        client.get(address("add")),
        client.post(address("add"), fields),
        client.post(address("change", delivered.pk), fields),
        client.post(address("delete", delivered.pk), {"post": "yes"}),
    ]
    chosen = {"action": "delete_selected", "_selected_action": delivered.pk, "post": "yes"}
    client.post(address("changelist"), chosen)

    assert [each.status_code for each in answers] == [403] * 4
    assert Callback.objects.values().get() == before


def test_callbacks_are_found_by_their_id_and_by_that_of_their_event(client, login, delivered):
    login("view")

    for text in (str(delivered.pk), str(delivered.event_id), str(delivered.event_id)[:8]):
        assert set(client.get(address("changelist"), {"q": text}).context["cl"].result_list) == {delivered}
    for text in ("query-canary", "127.0.0.1", "hooks"):
        assert not client.get(address("changelist"), {"q": text}).context["cl"].result_list


@pytest.mark.parametrize("lookup", ["url__contains", "body__contains", "event__session__customer__email"])
def test_the_address_of_the_list_is_no_way_to_guess_what_it_hides(client, login, lookup):
    login("view")

    assert client.get(address("changelist"), {lookup: "a"}).status_code == 400


def test_every_filter_and_every_column_can_be_used(client, login, delivered):
    login("view")
    page = client.get(address("changelist"))

    for chosen in page.context["cl"].filter_specs:
        for choice in chosen.choices(page.context["cl"]):
            assert client.get(address("changelist") + choice["query_string"]).status_code == 200
    for number in range(1, 10):
        assert client.get(address("changelist"), {"o": f"-{number}"}).status_code == 200
