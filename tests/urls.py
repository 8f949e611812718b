"""The addresses of the test project."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("payments/", include("django_generic_payments.urls")),
    path("admin/", admin.site.urls),
]
