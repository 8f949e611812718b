from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template import engines
from django.urls import include, path

from tests.hosts.guests_only.models import Ticket

PAGE = "{% load generic_payments %}{% pay_button ticket %}"


def page(request, code):
    ticket = get_object_or_404(Ticket, pk=code)
    return HttpResponse(engines["django"].from_string(PAGE).render({"ticket": ticket}, request))


urlpatterns = [
    path("payments/", include("django_generic_payments.urls")),
    path("tickets/<path:code>", page, name="ticket"),
]
