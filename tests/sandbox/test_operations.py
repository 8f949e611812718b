from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from django_generic_payments.sandbox.endpoints import ROUTES
from django_generic_payments.sandbox.routing import Route

#: What the schema has, and the sandbox has not.
LEFT_OUT = (
    "/v1/invoice_payments",
    "/v1/invoices",
    "/v1/payouts",
    "/v1/prices",
    "/v1/products",
    "/v1/setup_intents",
    "/v1/subscriptions",
    "/v1/test_helpers/test_clocks",
)


@pytest.fixture
def schema(stripe_schema: Any) -> Any:
    if stripe_schema is None:
        pytest.skip("STRIPE_OPENAPI_DIR is not set.")
    return stripe_schema


def test_every_operation_is_simulated_or_known_to_be_left_out(schema: Any) -> None:
    stripes = {(method.upper(), path) for path, methods in schema.paths.items() for method in methods}
    left_out = {operation for operation in stripes if operation[1].startswith(LEFT_OUT)}

    assert {(route.method, route.template) for route in ROUTES} == stripes - left_out


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_every_parameter_of_stripe_is_known_and_no_other(schema: Any, route: Route) -> None:
    known = schema.request_schema(route.method, route.template)

    assert sorted(differences(schema, route.parameters, known)) == []


def differences(
    schema: Any, kind: Callable[..., Any], known: dict[str, Any], name: str = ""
) -> Iterator[str]:
    """Find what only one side has, down to the innermost tables."""
    table, properties = table_of(kind), properties_of(schema, known)
    if table is None:
        return
    for key in {*table} ^ {*properties}:
        yield f"{name}[{key}] is only {'ours' if key in table else 'Stripes'}"
    for key in {*table} & {*properties}:
        yield from differences(schema, table[key], properties[key], f"{name}[{key}]")


def table_of(kind: Callable[..., Any]) -> Mapping[str, Any] | None:
    """Find the table in a kind that `fields` made, whatever is wrapped around it."""
    held = [cell.cell_contents for cell in getattr(kind, "__closure__", None) or ()]
    found = (each if isinstance(each, Mapping) else table_of(each) for each in held)
    return next((table for table in found if table is not None), None)


def properties_of(schema: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Collect the properties of an object that may be in a list, unset, or one of several."""
    if "$ref" in known:
        return properties_of(schema, schema.schemas[known["$ref"].rpartition("/")[2]])
    if known.get("type") == "array":
        return properties_of(schema, known["items"])
    found = dict(known.get("properties", {}))
    for alternative in (*known.get("anyOf", ()), *known.get("oneOf", ()), *known.get("allOf", ())):
        found.update(properties_of(schema, alternative))
    return found
