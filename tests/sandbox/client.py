from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django_generic_payments.sandbox import Sandbox


class Answer(NamedTuple):
    status: int
    obj: dict[str, Any]
    headers: dict[str, str]

    @property
    def error(self) -> dict[str, Any]:
        """The error, without the link to a log that nobody has."""
        return {
            name: value
            for name, value in self.obj["error"].items()
            if name not in ("request_log_url", "doc_url")
        }


class Api:
    """Call a sandbox as a program would that has no SDK."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def post(self, path: str, params: dict[str, Any] | str = "", *, key: str | None = None) -> Answer:
        return self.call("POST", path, encode(params), {"Idempotency-Key": key} if key else {})

    def get(self, path: str, params: dict[str, Any] | str = "") -> Answer:
        return self.call("GET", f"{path}?{encode(params)}" if params else path, "", {})

    def call(self, method: str, url: str, body: str, headers: dict[str, str]) -> Answer:
        headers = {"Authorization": f"Bearer {self.sandbox.secret_key}", **headers}
        status, answered, content = self.sandbox.handle(method, url, headers, body)
        return Answer(status, json.loads(content), answered)

    def create_session(self, **changes: Any) -> dict[str, Any]:
        answer = self.post("/v1/checkout/sessions", session_params(**changes))
        assert answer.status == 200, answer.obj
        return answer.obj

    def session(self, identifier: str) -> dict[str, Any]:
        return self.get(f"/v1/checkout/sessions/{identifier}").obj


def session_params(**changes: Any) -> dict[str, Any]:
    """Two teas for 39.98 EUR; None takes a parameter away."""
    params = {
        "mode": "payment",
        "success_url": "https://shop.example/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/cancel",
        "line_items": [line_item()],
        **changes,
    }
    return {name: value for name, value in params.items() if value is not None}


def line_item(**changes: Any) -> dict[str, Any]:
    price_data = {"currency": "eur", "unit_amount": 1999, "product_data": {"name": "Tea"}}
    return {"quantity": 2, "price_data": {**price_data, **changes}}


def encode(params: dict[str, Any] | str) -> str:
    return params if isinstance(params, str) else urlencode(list(flatten(params)))


def flatten(params: dict[str, Any], prefix: str = ""):
    for key, value in params.items():
        name = f"{prefix}[{key}]" if prefix else str(key)
        if isinstance(value, list):
            value = dict(enumerate(value))
        if isinstance(value, dict):
            yield from flatten(value, name)
        else:
            yield name, str(value).lower() if isinstance(value, bool) else value
