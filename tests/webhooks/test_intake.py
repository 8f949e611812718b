"""What is signed is read strictly, and nothing but a refusal comes of what is no event."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import datetime, timezone

import pytest
from hypothesis import given, strategies as st

from django_generic_payments.conf import Settings
from django_generic_payments.exceptions import WebhookRejected
from django_generic_payments.sandbox import Sandbox
from django_generic_payments.webhooks.intake import LARGEST_BODY, read_event

pytestmark = pytest.mark.core

SANDBOX = Sandbox()
SETTINGS = Settings(STRIPE_WEBHOOK_SECRET=SANDBOX.webhook_secret)
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "checkout.session.completed",
    "api_version": "2026-10-28.endive",
    "livemode": False,
    "created": 1_800_000_000,
    "data": {"object": {"id": "cs_1", "object": "checkout.session"}},
}


def read(body):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_event(body, SANDBOX.sign(body), SETTINGS)


def refusal(body):
    with pytest.raises(WebhookRejected) as refused:
        read(body)
    return refused.value.reason


def test_a_signed_event_is_read():
    event = read(EVENT)

    assert (event.id, event.type, event.livemode, event.account) == ("evt_1", EVENT["type"], False, "")
    assert event.created == datetime.fromtimestamp(1_800_000_000, tz=timezone.utc)
    assert event.object == EVENT["data"]["object"]
    assert event.body == json.dumps(EVENT)


def test_the_body_is_kept_to_the_byte():
    body = json.dumps(EVENT, indent=3, ensure_ascii=False).replace("cs_1", "cs_ä😀").encode() + b"\n\n"

    assert read(body).body.encode() == body


def test_an_event_of_a_connected_account_says_so():
    assert read({**EVENT, "account": "acct_1"}).account == "acct_1"


@pytest.mark.parametrize("version", [None, "2019-01-01", "2030-01-01.tomorrow"])
def test_an_event_of_another_version_is_read(version):
    assert read({**EVENT, "api_version": version}).api_version == (version or "")


def test_fields_that_nobody_knows_are_no_matter():
    assert read({**EVENT, "context": {"a": [1]}, "pending_webhooks": 3}).id == "evt_1"


def test_the_signature_is_looked_at_before_the_body():
    with pytest.raises(WebhookRejected, match="no signature matches"):
        read_event(b"[" * 100_000, SANDBOX.sign(b"[" * 100_000, secret="whsec_other"), SETTINGS)


def test_the_repr_shows_nothing_of_the_payer():
    assert repr(read({**EVENT, "data": {"object": {"email": "canary@example.com"}}})) == (
        "StripeEvent(evt_1, checkout.session.completed)"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"1",
        b"1.5",
        b'"x"',
        b"true",
        b"{}",
        b"nonsense",
        b"{",
        b'{"id": "evt_1"',
        b'{"id": "evt_1"}}',
        b"\xef\xbb\xbf{}",
        b"\x00",
        b'{"a": "\x00"}',
        b"NaN",
        b"{'id': 'evt_1'}",
        b'[{"object": "event"}]',
    ],
)
def test_what_is_no_event_is_refused(body):
    assert refusal(body) in {"body is not JSON", "body is no snapshot event"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_json_does_not_know_is_refused(number):
    body = json.dumps(EVENT).replace('"cs_1"', number)

    assert refusal(body.encode()) == "body is not JSON"


def test_an_integer_of_too_many_digits_is_refused():
    assert refusal(json.dumps(EVENT).replace('"cs_1"', "9" * 5000).encode()) == "body is not JSON"


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
@pytest.mark.parametrize("depth", [100, 10_000, 100_000])
def test_a_body_that_is_nested_deeply_is_refused(opening, depth):
    body = (opening * depth)[:LARGEST_BODY]

    assert refusal(body) == "body is nested too deeply"


def nested(depth):
    value = 0
    for _ in range(depth):
        value = [value]
    # Three levels lie around the value: the event, its data and its object.
    return {**EVENT, "data": {"object": {"id": "cs_1", "deep": value}}}


def test_sixty_four_levels_are_read_and_one_more_is_not():
    assert read(nested(61)).id == "evt_1"
    assert refusal(nested(62)) == "body is nested too deeply"


def test_brackets_in_a_text_are_no_levels():
    text = {**EVENT, "data": {"object": {"id": "cs_1", "text": '[{"\\[' * 500}}}

    assert read(text).object["text"] == '[{"\\[' * 500


def test_many_brackets_side_by_side_are_no_levels():
    assert read({**EVENT, "data": {"object": {"id": "cs_1", "list": [[]] * 500}}}).id == "evt_1"


def test_text_that_no_database_takes_is_read_as_it_is():
    event = read({**EVENT, "data": {"object": {"a": "\x00", "b": "\ud800"}}})

    assert event.object == {"a": "\x00", "b": "\ud800"}
    assert "\x00" not in event.body
    event.body.encode()


@pytest.mark.parametrize("kind", ["v2.core.event", "list", "Event", "", None, 5])
def test_an_event_that_is_no_snapshot_is_refused(kind):
    assert refusal({**EVENT, "object": kind}) == "body is no snapshot event"


def test_a_thin_event_is_refused():
    thin = {
        "id": "evt_test_1",
        "object": "v2.core.event",
        "type": "v1.billing.meter.error_report_triggered",
        "created": "2026-01-01T00:00:00.000Z",
        "related_object": {"id": "mtr_1", "type": "billing.meter", "url": "/v1/billing/meters/mtr_1"},
    }

    assert refusal(thin) == "body is no snapshot event"


@pytest.mark.parametrize("name", ["id", "type", "livemode", "created", "data"])
def test_an_event_without_what_makes_it_one_is_refused(name):
    assert refusal({key: value for key, value in EVENT.items() if key != name})
    assert refusal({**EVENT, name: None})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", 5),
        ("id", ""),
        ("id", "evt 1"),
        ("id", "evt_\x00"),
        ("id", "evt_\ud800"),
        ("id", "evt_ä"),
        ("id", "evt_1\n"),
        ("id", "e" * 256),
        ("id", ["evt_1"]),
        ("type", 5),
        ("type", "x" * 256),
        ("type", "a b"),
        ("type", "<script>"),
        ("livemode", "false"),
        ("livemode", 0),
        ("created", "1800000000"),
        ("created", 1.5),
        ("created", True),
        ("created", 10**18),
        ("created", -(10**18)),
        ("account", 5),
        ("account", "acct 1"),
        ("account", ["acct_1"]),
        ("api_version", 5),
        ("api_version", "x" * 65),
        ("api_version", "2026 10"),
        ("data", []),
        ("data", "text"),
        ("data", {}),
        ("data", {"object": None}),
        ("data", {"object": []}),
        ("data", {"object": "cs_1"}),
    ],
)
def test_a_field_of_the_wrong_type_or_shape_is_refused(name, value):
    assert refusal({**EVENT, name: value})


def test_names_of_the_longest_length_are_read():
    assert read(
        {**EVENT, "id": "e" * 255, "type": "t" * 255, "account": "a" * 255, "api_version": "v" * 64}
    ).id


def test_a_huge_body_is_refused_before_anything_else():
    body = json.dumps(EVENT).encode()
    fits = body + b" " * (LARGEST_BODY - len(body))

    assert read(fits).id == "evt_1"
    assert refusal(fits + b" ") == "body is too large"


@pytest.mark.parametrize("header", ["", "t=1,v1=x", "é", "\x00"])
def test_a_huge_body_is_refused_whatever_its_signature(header):
    with pytest.raises(WebhookRejected, match="body is too large"):
        read_event(b"x" * (LARGEST_BODY + 1), header, SETTINGS)


def test_the_tolerance_is_that_of_the_settings():
    body = json.dumps(EVENT).encode()
    header = SANDBOX.sign(body, timestamp=int(time.time()) - 100)

    assert read_event(body, header, SETTINGS).id == "evt_1"
    with pytest.raises(WebhookRejected, match="too old"):
        read_event(body, header, Settings(STRIPE_WEBHOOK_SECRET=SANDBOX.webhook_secret, WEBHOOK_TOLERANCE=60))


@pytest.mark.parametrize("secret", ["", "   ", "whsec_", None, [], "sk_test_x"])
def test_without_a_real_secret_nothing_is_read(secret):
    body = json.dumps(EVENT).encode()
    header = SANDBOX.sign(body, secret=secret if isinstance(secret, str) else "")

    with pytest.raises(WebhookRejected):
        read_event(body, header, Settings(STRIPE_WEBHOOK_SECRET=secret))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=10,
)


@given(st.binary(max_size=200))
def test_any_signed_bytes_are_read_or_refused(body):
    with contextlib.suppress(WebhookRejected):
        read(body)


@given(json_values)
def test_any_signed_json_is_read_or_refused(value):
    with contextlib.suppress(WebhookRejected):
        read(json.dumps(value).encode())


@given(st.dictionaries(st.sampled_from(sorted([*EVENT, "account"])), json_values, min_size=1))
def test_an_event_with_anything_in_place_of_its_fields_is_read_or_refused(changes):
    try:
        event = read({**EVENT, **changes})
    except WebhookRejected:
        return

    assert event.id == {**EVENT, **changes}["id"]
    assert isinstance(event.object, dict)
