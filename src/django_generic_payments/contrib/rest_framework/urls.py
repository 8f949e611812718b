"""Include as ``path("api/payments/", include("django_generic_payments.contrib.rest_framework.urls"))``."""

from __future__ import annotations

from django.urls import path

from django_generic_payments.contrib.rest_framework import views
from django_generic_payments.views import stripe_webhook

app_name = "generic_payments_api"

urlpatterns = [
    path("checkout/", views.CheckoutView.as_view(), name="checkout"),
    path("status/<uuid:session_id>/", views.StatusView.as_view(), name="status"),
    path("refunds/", views.RefundsView.as_view(), name="refunds"),
    path("refunds/<uuid:refund_id>/", views.RefundView.as_view(), name="refund"),
    path("webhook/stripe/", stripe_webhook, name="stripe-webhook"),
]
