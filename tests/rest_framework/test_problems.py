"""Errors as problem details, in the views of the package and in those of a project that uses the handler too."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client, override_settings
from django.urls import include, path
from rest_framework import exceptions as drf
from rest_framework.views import APIView

from django_generic_payments.contrib.rest_framework.problems import problem_handler
from django_generic_payments.exceptions import AlreadyPaid
from django_generic_payments.money import Money
from tests.rest_framework.conftest import Caller, rest_framework
from tests.rest_framework.test_checkout import code_of
from tests.shop.models import Booking

pytestmark = [pytest.mark.core, pytest.mark.django_db]


class Refused(drf.APIException):
    """One of the project's own."""

    status_code = 403
    default_code = "house_full"
    default_detail = "No room is left."


class Unnamed(drf.APIException):
    status_code = 404


class TokenExpired(drf.AuthenticationFailed):
    """As packages for tokens have it."""

    default_code = "token_not_valid"


class Strange(drf.APIException):
    status_code = 499
    default_code = "strange"


RAISED = {
    "own": Refused(),
    "unnamed": Unnamed(),
    "token": TokenExpired(),
    "strange": Strange(),
    "missing": Http404("secret"),
    "denied": PermissionDenied("secret"),
    "paid": AlreadyPaid("secret"),
    "field": drf.ValidationError({"lines": [{}, {"a/b ~c": ["Wrong."]}]}),
}


class Raises(APIView):
    """A view of the project."""

    permission_classes = ()

    def get_exception_handler(self):
        return problem_handler

    def get(self, request, name):
        raise RAISED[name]


urlpatterns = [
    path("raise/<name>/", Raises.as_view()),
    path("api/payments/", include("django_generic_payments.contrib.rest_framework.urls")),
]


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("own", 403, "house_full"),
        ("unnamed", 404, "not_found"),
        ("token", 403, "authentication_failed"),
        ("strange", 499, "strange"),
        ("missing", 404, "not_found"),
        ("denied", 403, "permission_denied"),
        ("paid", 409, "already_paid"),
        ("field", 400, "invalid"),
    ],
)
@override_settings(ROOT_URLCONF=__name__)
def test_a_project_may_answer_its_own_errors_in_the_same_way(name, status, code):
    response = Client().get(f"/raise/{name}/")

    assert code_of(response) == (status, code)
    assert "secret" not in response.content.decode()


@override_settings(ROOT_URLCONF=__name__)
def test_what_is_not_explained_here_does_not_lead_here():
    own = Client().get("/raise/own/").json()

    assert (own["type"], own["title"], own["detail"]) == ("about:blank", "Forbidden", "No room is left.")
    assert Client().get("/raise/missing/").json()["type"].endswith("/rest-api.md#not_found")


@override_settings(ROOT_URLCONF=__name__)
def test_a_pointer_leads_to_the_field_whatever_its_name_and_however_deep():
    (error,) = Client().get("/raise/field/").json()["errors"]

    assert error == {"pointer": "#/lines/1/a~1b%20~0c", "code": "invalid", "detail": "Wrong."}


def test_a_price_that_a_payable_gets_wrong_is_no_mistake_of_the_caller(stripe, user, monkeypatch):
    monkeypatch.setattr(Booking, "get_payment_amount", lambda self: Money(12_50, "xyz"))
    caller = Caller(user)
    caller._client.raise_request_exception = False

    assert caller.checkout(Booking.objects.create(owner=user)).status_code == 500


def test_a_project_whose_strangers_are_nobody_at_all_is_answered_too(stranger, paid):
    with rest_framework(UNAUTHENTICATED_USER=None):
        assert code_of(stranger.post("refunds/", {"payment": str(paid.pk)})) == (403, "not_authenticated")
        assert stranger.get(f"status/{paid.pk}/").status_code == 404
