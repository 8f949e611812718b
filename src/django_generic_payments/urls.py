"""Include as ``path("payments/", include("django_generic_payments.urls"))``."""

from __future__ import annotations

from django.urls import path

from django_generic_payments import views

app_name = "generic_payments"

urlpatterns = [
    path("webhook/stripe/", views.stripe_webhook, name="stripe-webhook"),
    path("checkout/<str:payable_type>/<path:payable_id>/", views.checkout, name="checkout"),
    path("pay/<uuid:session_id>/", views.pay, name="pay"),
    path("return/<uuid:session_id>/", views.return_from_checkout, name="return"),
]
