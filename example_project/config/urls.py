"""The addresses of the site."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.health import health

urlpatterns = [
    path("payments/", include("django_generic_payments.urls")),  # payments
    path("api/", include("config.api")),
    path("accounts/", include("accounts.urls")),
    path("shop/", include("shop.urls")),
    path("admin/", admin.site.urls),
    path("healthz/", health, name="health"),
    # Browsers ask for it where a page names no icon, as those of the admin do.
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}bookings/logo.svg")),
    path("", include("bookings.urls")),
]
