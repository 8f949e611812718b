"""The addresses of the test project."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("payments/", include("django_generic_payments.urls")),
    path("admin/", admin.site.urls),
]

if settings.HAS_REST_FRAMEWORK:
    from drf_spectacular.views import SpectacularJSONAPIView

    urlpatterns += [
        path("api/payments/", include("django_generic_payments.contrib.rest_framework.urls")),
        path("api/schema/", SpectacularJSONAPIView.as_view()),
    ]
