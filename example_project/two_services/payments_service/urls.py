from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("payments/", include("django_generic_payments.urls")),
    path("api/payments/", include("django_generic_payments.contrib.rest_framework.urls")),
]
