"""The settings of the payments service."""

from __future__ import annotations

from django.core.management.utils import get_random_secret_key
from environ import Env

env = Env()

SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="") or get_random_secret_key()
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1"])
DATABASES = {"default": env.db_url("DATABASE_URL", default="sqlite:///payments.sqlite3")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A transaction that begins by reading would fail when it comes to write while another one does.
    DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 10}
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "two_services.payments_service.urls"
WSGI_APPLICATION = "two_services.payments_service.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_generic_payments",
    "django_generic_payments.contrib.callbacks",
    "two_services.payments_service",
]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": []}

BOOKINGS_URL = env.str("BOOKINGS_URL", default="http://127.0.0.1:8002").rstrip("/")
GENERIC_PAYMENTS = {
    "STRIPE_SECRET_KEY": env.str("STRIPE_SECRET_KEY"),
    "STRIPE_WEBHOOK_SECRET": env.list("STRIPE_WEBHOOK_SECRET"),
    "STRIPE_API_BASE": env.str("STRIPE_API_BASE", default="https://api.stripe.com"),
    "BASE_URL": env.str("BASE_URL"),
    "CALLBACK_URLS": env.list("PAYMENTS_WEBHOOK_CALLBACK_URL"),
    "CALLBACK_SECRETS": env.list("PAYMENTS_WEBHOOK_CALLBACK_SECRET"),
    # Services of one house often talk over its own network.
    "CALLBACK_ALLOW_PRIVATE": env.bool("CALLBACK_ALLOW_PRIVATE", default=False),
}
