"""How requests are read, refused, repeated and listed."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from .account import API_VERSION
from .orders import checkout_params, new_key


def test_every_answer_has_a_request_id_and_a_version(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/request_ids"""
    answer = client.v1.customers.create({}).last_response

    assert answer.request_id.startswith("req_")
    assert answer.headers["Stripe-Version"] == API_VERSION


def test_a_wrong_key_is_refused(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/authentication"""
    with pytest.raises(stripe.AuthenticationError) as raised:
        client.v1.customers.list({}, {"api_key": "sk_test_wrong"})

    assert raised.value.http_status == 401


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"email": "nobody"}, "email_invalid", "email"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata"),
        ({"metadata": {f"k{n}": "v" for n in range(51)}}, None, "metadata"),
    ],
)
def test_what_is_wrong_is_named(
    client: stripe.StripeClient, params: Any, code: str | None, param: str
) -> None:
    """https://docs.stripe.com/api/errors, https://docs.stripe.com/api/metadata"""
    with pytest.raises(stripe.InvalidRequestError) as raised:
        client.v1.customers.create(params)

    error = raised.value
    assert (error.http_status, error.error.type) == (400, "invalid_request_error")
    assert error.param.startswith(param)
    assert code is None or error.code == code


def test_what_is_not_there_is_a_404(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/error-codes#resource-missing"""
    with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_nobody'") as raised:
        client.v1.customers.retrieve("cus_nobody")

    assert (raised.value.http_status, raised.value.code) == (404, "resource_missing")


def test_a_repeated_key_gets_the_first_answer(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/idempotent_requests"""
    key = new_key()
    first, again = (client.v1.customers.create({"name": "Ada"}, {"idempotency_key": key}) for _ in range(2))

    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.last_response.headers


def test_a_key_belongs_to_its_parameters(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/idempotent_requests"""
    key = new_key()
    client.v1.customers.create({"name": "Ada"}, {"idempotency_key": key})

    with pytest.raises(stripe.IdempotencyError) as raised:
        client.v1.customers.create({"name": "Bob"}, {"idempotency_key": key})

    assert (raised.value.http_status, raised.value.error.type) == (400, "idempotency_error")


def test_a_refusal_of_parameters_leaves_the_key_free(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/idempotent_requests"""
    key = new_key()
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.create({"email": "nobody"}, {"idempotency_key": key})

    assert client.v1.customers.create({"email": "ada@example.com"}, {"idempotency_key": key}).id


def test_lists_come_newest_first_and_page_by_page(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/pagination"""
    email = f"{new_key()}@example.com"
    made = [client.v1.customers.create({"email": email}).id for _ in range(5)]

    first = client.v1.customers.list({"email": email, "limit": 2})
    rest = client.v1.customers.list({"email": email, "starting_after": first.data[-1].id})
    back = client.v1.customers.list({"email": email, "ending_before": rest.data[0].id})

    assert [each.id for each in first] == made[:2:-1]
    assert (first.has_more, rest.has_more) == (True, False)
    assert [each.id for each in rest] == made[2::-1]
    assert [each.id for each in back] == [each.id for each in first]
    assert len(list(client.v1.customers.list({"email": email, "limit": 2}).auto_paging_iter())) == 5


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_has_one_to_a_hundred_objects(client: stripe.StripeClient, limit: int) -> None:
    """https://docs.stripe.com/api/pagination"""
    with pytest.raises(stripe.InvalidRequestError) as raised:
        client.v1.customers.list({"limit": limit})

    assert (raised.value.param, raised.value.http_status) == ("limit", 400)


def test_objects_are_expanded_on_demand(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/expand"""
    customer = client.v1.customers.create({"name": "Ada"})
    session = client.v1.checkout.sessions.create(checkout_params(customer=customer.id))

    expanded = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer", "line_items"]})

    assert session.customer == customer.id
    assert "line_items" not in session
    assert expanded.customer.name == "Ada"
    assert [item.quantity for item in expanded.line_items.data] == [2]


def test_what_cannot_be_expanded_is_refused(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/expand"""
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.customers.create({"expand": ["name"]})


def test_metadata_is_merged_and_unset_by_an_empty_value(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/metadata"""
    customer = client.v1.customers.create({"metadata": {"a": "1", "b": "2"}})

    merged = client.v1.customers.update(customer.id, {"metadata": {"b": "", "c": "3"}})
    cleared = client.v1.customers.update(customer.id, {"metadata": ""})

    assert merged.metadata.to_dict() == {"a": "1", "c": "3"}
    assert cleared.metadata.to_dict() == {}


def test_a_deleted_customer_says_so(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/customers/delete"""
    customer = client.v1.customers.create({"name": "Ada"})

    deleted = client.v1.customers.delete(customer.id)
    found = client.v1.customers.retrieve(customer.id)

    assert (deleted.id, deleted.deleted) == (customer.id, True)
    assert found.deleted is True
