"""The addresses for programs, and the page that explains them."""

from __future__ import annotations

import django
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

documentation = SpectacularSwaggerSplitView.as_view(url_name="api-schema")
if django.VERSION >= (6, 0):
    from django.views.decorators.csp import csp_override

    # Swagger UI writes styles into its elements, and has its icons in the style sheet.
    documentation = csp_override(
        {
            "default-src": ["'self'"],
            "style-src": ["'self'", "'unsafe-inline'"],
            "img-src": ["'self'", "data:"],
        }
    )(documentation)

urlpatterns = [
    path("payments/", include("django_generic_payments.contrib.rest_framework.urls")),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", documentation, name="api-docs"),
    path("", include("bookings.api.urls")),
]
