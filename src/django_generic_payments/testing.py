"""
Testing a host project without Stripe and without a network, with the real SDK and the real webhook.

    with use_sandbox() as stripe:
        stripe.pay(start_checkout(booking))  # 4242…, and the signed webhook arrives at the project's own view
    booking.refresh_from_db()
    assert booking.confirmed
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ContextDecorator, contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.http import HttpResponseBase
from django.http.request import split_domain_port, validate_host
from django.test import Client, override_settings
from django.urls import get_script_prefix
from django.utils.asyncio import async_unsafe

from django_generic_payments.conf import SETTING, get_settings
from django_generic_payments.exceptions import ConfigurationError
from django_generic_payments.gateway import in_process
from django_generic_payments.models import Dispute, PaymentSession, Refund
from django_generic_payments.sandbox import Delivery, Outcome, Sandbox
from django_generic_payments.webhooks.address import webhook_path

__all__ = ["PaymentsSandbox", "override_payments", "use_sandbox"]

_ANSWERS_OF_THE_WEBHOOK = frozenset({200, 400, 503})


class override_payments(override_settings):  # noqa: N801 (named as the Django class it extends)
    """
    Change some of the ``GENERIC_PAYMENTS`` settings for a test.

    A context manager and a decorator, as ``django.test.override_settings`` is. The other settings stay.
    """

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self._changes = changes

    def enable(self) -> None:
        """Merge the changes into the settings as they are at this moment."""
        self.options = {SETTING: {**getattr(django_settings, SETTING, {}), **self._changes}}
        super().enable()

    def save_options(self, test_func: Any) -> None:
        """Keep the changes for a decorated ``TestCase``, which Django enables when the class is set up."""
        inherited = (test_func._overridden_settings or {}).get(SETTING, getattr(django_settings, SETTING, {}))
        self.options = {SETTING: {**inherited, **self._changes}}
        super().save_options(test_func)


class PaymentsSandbox:
    """A payer, a bank and a postman for the sessions of this project. ``sandbox`` is the small Stripe behind them."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def pay(
        self,
        session: PaymentSession,
        *,
        card: str = "4242424242424242",
        iban: str | None = None,
        email: str = "payer@example.com",
        name: str = "Pat Payer",
        phone: str | None = None,
        deliver: bool = True,
    ) -> Outcome:
        """Pay a session by card, or by bank debit if ``iban`` is given, and deliver the webhooks."""
        outcome = self.sandbox.pay(
            self._checkout_id(session), card=card, iban=iban, email=email, name=name, phone=phone
        )
        return self._and_deliver(outcome, deliver)

    def decline(
        self, session: PaymentSession, *, card: str = "4000000000000002", deliver: bool = True
    ) -> Outcome:
        """Try to pay with a card that is declined: the checkout stays open."""
        return self.pay(session, card=card, deliver=deliver)

    def authenticate(self, session: PaymentSession, *, success: bool = True, deliver: bool = True) -> Outcome:
        """Finish the 3D Secure step of a payment that requires it."""
        outcome = self.sandbox.authenticate(self._checkout_id(session), success=success)
        return self._and_deliver(outcome, deliver)

    def settle(
        self, session: PaymentSession, *, success: bool | None = None, deliver: bool = True
    ) -> Outcome:
        """Let a bank debit arrive, or fail; unless told, as its IBAN stands for."""
        outcome = self.sandbox.settle(self._checkout_id(session), success=success)
        return self._and_deliver(outcome, deliver)

    def expire(self, session: PaymentSession, *, deliver: bool = True) -> None:
        """Let the checkout run out."""
        self.sandbox.expire(self._checkout_id(session))
        self._deliver_if(deliver)

    def advance(self, seconds: int, *, deliver: bool = True) -> None:
        """Move the sandbox's clock, which lets checkouts run out and payments be booked."""
        self.sandbox.advance(seconds)
        self._deliver_if(deliver)

    def refund(
        self,
        session: PaymentSession,
        amount: int | None = None,
        *,
        reason: str | None = None,
        deliver: bool = True,
    ) -> str:
        """
        Refund a session's payment from Stripe's dashboard, in full unless told; return the refund's id.

        ``amount`` is in Stripe's minor unit.
        """
        made = self.sandbox.refund(self._checkout_id(session), amount, reason=reason)
        self._deliver_if(deliver)
        return made

    def settle_refund(self, refund: str | Refund, *, success: bool = True, deliver: bool = True) -> None:
        """Let a pending refund arrive, or fail."""
        self.sandbox.settle_refund(_refund_id(refund), success=success)
        self._deliver_if(deliver)

    def fail_refund(
        self, refund: str | Refund, *, reason: str = "lost_or_stolen_card", deliver: bool = True
    ) -> None:
        """Let a refund fail that is pending, or one that had succeeded."""
        self.sandbox.fail_refund(_refund_id(refund), reason=reason)
        self._deliver_if(deliver)

    def dispute(
        self,
        session: PaymentSession,
        *,
        amount: int | None = None,
        reason: str = "fraudulent",
        inquiry: bool = False,
        deliver: bool = True,
    ) -> str:
        """
        Let the payer's bank take a payment back, or ask about it (``inquiry``); return the dispute's id.

        ``amount`` is in Stripe's minor unit, and the whole payment unless told.
        """
        made = self.sandbox.dispute(self._checkout_id(session), amount=amount, reason=reason, inquiry=inquiry)
        self._deliver_if(deliver)
        return made

    def escalate_dispute(self, dispute: str | Dispute, *, deliver: bool = True) -> None:
        """Turn an inquiry into a dispute, which withdraws the money."""
        self.sandbox.escalate_dispute(_dispute_id(dispute))
        self._deliver_if(deliver)

    def close_dispute(self, dispute: str | Dispute, status: str, *, deliver: bool = True) -> None:
        """Let a dispute end as ``won``, ``lost``, ``warning_closed`` or ``prevented``."""
        self.sandbox.close_dispute(_dispute_id(dispute), status)
        self._deliver_if(deliver)

    def appeal_dispute(self, dispute: str | Dispute, *, submit: bool = False, deliver: bool = True) -> None:
        """Open a lost dispute once more, and answer the bank if ``submit``."""
        self.sandbox.appeal_dispute(_dispute_id(dispute), submit=submit)
        self._deliver_if(deliver)

    def book_balance(self, *, deliver: bool = True) -> None:
        """Let Stripe book the payments, with their fees, which otherwise takes a minute."""
        self.sandbox.book_balance()
        self._deliver_if(deliver)

    def deliver(
        self,
        *,
        times: int = 1,
        order: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] | None = None,
        drop: Collection[str] = (),
    ) -> list[Delivery]:
        """
        Deliver the webhooks that wait, signed, to the project's own view; return the answers.

        ``times`` delivers each so often, ``order`` rearranges them, ``drop`` names types that are lost for good, with
        wildcards such as ``charge.*`` and ``*``. What is not answered by 2xx waits for the next call.
        """
        return self.sandbox.deliver(self.post, times=times, order=order, drop=drop)

    @async_unsafe(
        "Webhooks are delivered by synchronous code. In a coroutine: await sync_to_async(stripe.pay)(session)."
    )
    def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """
        Post one request to the webhook and return the status of the answer.

        Raises ``ConfigurationError`` if it does not reach the webhook: another part of the project answered.
        """
        path = webhook_path()
        response = Client(enforce_csrf_checks=True).post(
            **_from_outside(path),
            data=body,
            content_type="application/json",
            headers={name: value for name, value in headers.items() if name.lower() != "content-type"},
        )
        if _is_of_the_webhook(response):
            return int(response.status_code)
        where = f" to {response['Location']}" if response.has_header("Location") else ""
        raise ConfigurationError(
            f"The webhook at {path} was answered {response.status_code}{where}, and not by the webhook itself: "
            "something in front of it, such as a middleware, keeps Stripe out. Let it pass requests without a session "
            "or a login."
        )

    def _and_deliver(self, outcome: Outcome, deliver: bool) -> Outcome:
        self._deliver_if(deliver)
        return outcome

    def _deliver_if(self, wanted: bool) -> None:
        if wanted:
            self.deliver()

    def _checkout_id(self, session: PaymentSession) -> str:
        if not session.stripe_checkout_session_id:
            session.refresh_from_db()
        if not session.stripe_checkout_session_id:
            # Made inside a transaction: the checkout is opened when the payer's browser arrives.
            Client().get(**_from_outside(session.pay_url))
            session.refresh_from_db()
        if not session.stripe_checkout_session_id:
            raise ValueError(
                f"Session {session.pk} has no checkout to pay; its status is {session.status!r}."
            )
        return session.stripe_checkout_session_id


class use_sandbox(ContextDecorator):  # noqa: N801 (used like a function)
    """
    Put a sandbox in Stripe's place, for this process and all its threads.

    Yields a ``PaymentsSandbox``; as a decorator it only puts the sandbox there. ``settings`` are further
    ``GENERIC_PAYMENTS`` settings; pass a ``Sandbox`` to choose its clock or seed.
    """

    def __init__(self, sandbox: Sandbox | None = None, **settings: Any) -> None:
        self._sandbox = sandbox
        self._settings = settings

    def __call__(self, func: Any) -> Any:
        """Decorate a function."""
        if isinstance(func, type):
            # It would be replaced by a function, and its tests would silently no longer be found.
            raise TypeError(
                f"Decorate the methods of {func.__name__}, or enter use_sandbox() in its setUp()."
            )
        return super().__call__(func)

    def __enter__(self) -> PaymentsSandbox:
        sandbox = self._sandbox or Sandbox()
        keys = {"STRIPE_SECRET_KEY": sandbox.secret_key, "STRIPE_WEBHOOK_SECRET": sandbox.webhook_secret}
        self._stack = _sandboxed(sandbox, {**keys, **self._settings})
        return self._stack.__enter__()

    def __exit__(self, *exc_info: Any) -> None:
        self._stack.__exit__(*exc_info)


@contextmanager
def _sandboxed(sandbox: Sandbox, settings: Mapping[str, Any]) -> Iterator[PaymentsSandbox]:
    def handler(
        method: str, url: str, headers: Mapping[str, str], body: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        answer = sandbox.handle(method, url, headers, body)
        return answer.status, answer.headers, answer.body

    with override_payments(**settings), in_process(handler):
        yield PaymentsSandbox(sandbox)


def _from_outside(url: str) -> dict[str, Any]:
    """Return how the test client calls an address of this project as Stripe and a browser do."""
    base_url = get_settings().base_url
    address, path = urlsplit(base_url), url.removeprefix(base_url)
    return {
        # What stands before the project keeps its prefix, and the test client talks to the project.
        "path": "/" + path.removeprefix(get_script_prefix()),
        "secure": address.scheme == "https" or bool(django_settings.SECURE_SSL_REDIRECT),
        "HTTP_HOST": _host(address.netloc),
    }


def _host(own: str) -> str:
    # The project's own name, but it may be one that is not allowed while tests run.
    allowed = django_settings.ALLOWED_HOSTS
    names = (own, "testserver", *(name.lstrip(".") for name in allowed))
    return next((name for name in names if validate_host(split_domain_port(name)[0], allowed)), own)


def _is_of_the_webhook(response: HttpResponseBase) -> bool:
    # The pages of others, such as a login or a notice of maintenance, may have the same status.
    is_json = response.headers.get("Content-Type") == "application/json"
    return is_json and response.status_code in _ANSWERS_OF_THE_WEBHOOK


def _refund_id(refund: str | Refund) -> str:
    return refund if isinstance(refund, str) else str(refund.stripe_refund_id)


def _dispute_id(dispute: str | Dispute) -> str:
    return dispute if isinstance(dispute, str) else dispute.stripe_dispute_id
