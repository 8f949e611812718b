"""The addresses of the site."""

from __future__ import annotations

from django.contrib.auth.views import LoginView
from django.urls import include, path

urlpatterns = [
    path("payments/", include("django_generic_payments.urls")),  # payments
    path("login/", LoginView.as_view(template_name="bookings/login.html"), name="login"),
    path("", include("bookings.urls")),
]
