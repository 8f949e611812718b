from __future__ import annotations

from django.shortcuts import redirect
from django.urls import include, path

from django_generic_payments.services import start_checkout
from tests.hosts.atomic_requests.models import Course


def book(request):
    course = Course.objects.create(title=request.POST["title"])
    session = start_checkout(course, success_url="/thanks/")
    if "fail" in request.POST:
        raise RuntimeError("after the checkout was started")
    return redirect(session.checkout_url)


urlpatterns = [
    path("book/", book),
    path("payments/", include("django_generic_payments.urls")),
]
