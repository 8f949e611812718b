"""The errors of the API: envelope, status and wording.

https://docs.stripe.com/api/errors
"""

from __future__ import annotations

from collections.abc import Collection

from .json_object import JsonObject

__all__ = [
    "ApiError",
    "invalid",
    "missing_object",
    "missing_parameter",
    "not_simulated",
    "unexpected_state",
    "unknown_parameters",
]


class ApiError(Exception):
    """A request that is answered with an error; `details` are what its envelope holds besides."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str = "",
        param: str = "",
        headers: dict[str, str] | None = None,
        details: JsonObject | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.headers = headers or {}
        self.details = details or {}

    def envelope(self, request_id: str, now: int) -> JsonObject:
        """Build the body of the answer."""
        error: JsonObject = {**self.details}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        error["message"] = self.message
        if self.param:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}?t={now}"
        error["type"] = self.kind
        return {"error": error}


def invalid(message: str, param: str, code: str = "") -> ApiError:
    """Refuse the value of a parameter."""
    return ApiError(message, code=code, param=param)


def missing_parameter(param: str) -> ApiError:
    """Ask for a parameter that is required."""
    return invalid(f"Missing required param: {param}.", param, "parameter_missing")


def unknown_parameters(params: list[str]) -> ApiError:
    """Refuse parameters that the operation does not have."""
    plural = "s" if len(params) > 1 else ""
    message = f"Received unknown parameter{plural}: {', '.join(params)}"
    return invalid(message, params[0], "parameter_unknown")


def missing_object(kind: str, identifier: str, param: str, status: int = 400) -> ApiError:
    """Say that an id leads nowhere: 404 if it is in the path, 400 if it is in a parameter."""
    message = f"No such {kind}: '{identifier}'"
    return ApiError(message, status=status, code="resource_missing", param=param)


def unexpected_state(kind: str, what: str, status: str, allowed: Collection[str]) -> ApiError:
    """Refuse what an intent cannot do any more, or not yet."""
    message = (
        f"You cannot {what} this {kind} because it has a status of {status}. Only a {kind} with one of the "
        f"following statuses may be used: {', '.join(allowed)}."
    )
    return ApiError(message, code="payment_intent_unexpected_state")


def not_simulated(param: str) -> ApiError:
    """Refuse what Stripe can and the sandbox cannot, rather than accept it without effect."""
    return invalid(f"The sandbox does not simulate {param}, although Stripe has it.", param)
