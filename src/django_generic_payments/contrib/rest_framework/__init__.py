"""
Payments over HTTP, for frontends and other services, which are never trusted with an amount.

    path("api/payments/", include("django_generic_payments.contrib.rest_framework.urls"))

Needs ``pip install "django-generic-payments[drf]"``. Who is asking, and who may ask at all, is decided by the project's
``REST_FRAMEWORK`` settings; who may pay for what, by each payable.
"""

from __future__ import annotations

from importlib.util import find_spec

from django_generic_payments.exceptions import ConfigurationError

for _needed in ("rest_framework", "drf_spectacular"):
    if find_spec(_needed) is None:
        raise ConfigurationError(
            f'The REST API needs {_needed}. Install it: pip install "django-generic-payments[drf]"'
        )
