"""The project that the tests run in."""

from __future__ import annotations

import os
from importlib.util import find_spec

from django.utils.crypto import get_random_string

SECRET_KEY = get_random_string(50)
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
USE_TZ = True
ROOT_URLCONF = "tests.urls"
STATIC_URL = "static/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django_generic_payments",
    "tests.shop",
]
# An extra: without the package that it needs, all else is tested.
if find_spec("standardwebhooks"):
    INSTALLED_APPS.append("django_generic_payments.contrib.callbacks")

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
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
# Without the extra, the tests of the REST API are skipped and all others are the same.
if HAS_REST_FRAMEWORK := bool(find_spec("rest_framework") and find_spec("drf_spectacular")):
    INSTALLED_APPS += ["rest_framework", "drf_spectacular"]
    REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
    SPECTACULAR_SETTINGS = {"TITLE": "Payments", "VERSION": "1", "SERVE_INCLUDE_SCHEMA": False}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

POSTGRES = {
    "ENGINE": "django.db.backends.postgresql",
    "NAME": os.environ.get("PAYMENTS_TEST_DB_NAME", "generic_payments"),
    "USER": os.environ.get("PGUSER", "postgres"),
    "PASSWORD": os.environ.get("PGPASSWORD", ""),
    "HOST": os.environ.get("PGHOST", "127.0.0.1"),
    "PORT": os.environ.get("PGPORT", "5432"),
}
SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": ":memory:",
    "OPTIONS": {"transaction_mode": "IMMEDIATE"},
}


def choose_database() -> dict[str, object]:
    """PostgreSQL if it is there, unless PAYMENTS_TEST_DATABASE says "postgres" or "sqlite"."""
    wish = os.environ.get("PAYMENTS_TEST_DATABASE", "")
    if wish not in {"", "postgres", "sqlite"}:
        raise ValueError(
            f"PAYMENTS_TEST_DATABASE is {wish!r}. Set it to 'postgres' or 'sqlite', or leave it out."
        )
    required = "postgres" in os.environ.get("PAYMENTS_TEST_REQUIRE", "").split(",")
    if wish == "sqlite" or (not wish and not required and not postgres_is_there()):
        return SQLITE
    return POSTGRES


def postgres_is_there() -> bool:
    try:
        import psycopg

        where = {name.lower(): POSTGRES[name] for name in ("USER", "PASSWORD", "HOST", "PORT")}
        psycopg.connect(**where, dbname="postgres", connect_timeout=2).close()
    except Exception:
        return False
    return True


DATABASES = {"default": choose_database()}

GENERIC_PAYMENTS = {
    "STRIPE_SECRET_KEY": "sk_test_nobody",
    "STRIPE_WEBHOOK_SECRET": "whsec_nobody",
    "BASE_URL": "http://testserver",
}
