"""A small site that takes bookings. What concerns payments is marked."""

from __future__ import annotations

import os
from pathlib import Path

from django.utils.crypto import get_random_string

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or get_random_string(50)
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_generic_payments",  # payments
    "bookings",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "db.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 10},
        "TEST": {"NAME": BASE_DIR / "demo.sqlite3"},
    }
}

LANGUAGE_CODE = "en-gb"
USE_TZ = True
STATIC_URL = "static/"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "bookings:list"

# payments: without keys of your own, `manage.py payments_sandbox` plays Stripe on port 8420
GENERIC_PAYMENTS = {
    "STRIPE_SECRET_KEY": os.environ.get("STRIPE_SECRET_KEY", "sk_test_sandbox"),
    "STRIPE_WEBHOOK_SECRET": os.environ.get("STRIPE_WEBHOOK_SECRET", "whsec_sandbox"),
    "BASE_URL": os.environ.get("BASE_URL", "http://127.0.0.1:8000"),
}
if "STRIPE_SECRET_KEY" not in os.environ:
    GENERIC_PAYMENTS["STRIPE_API_BASE"] = "http://127.0.0.1:8420"
