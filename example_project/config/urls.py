"""The addresses of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("payments/", include("django_generic_payments.urls")),  # payments
    path("accounts/", include("accounts.urls")),
    path("shop/", include("shop.urls")),
    path("admin/", admin.site.urls),
    path("", include("bookings.urls")),
]
