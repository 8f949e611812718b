"""
A guesthouse that takes deposits for its rooms and sells a few things. What concerns payments is marked.

Everything that differs from one place to another comes from the environment, or from a file named ``.env`` beside
``manage.py``: see ``.env.example``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from environ import Env

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(BASE_DIR / ".env")
# A variable that was left blank is one that is not set: PAYMENTS_ENABLED= does not switch payments off.
env.ENVIRON = {name: value for name, value in os.environ.items() if value}

# As it stands: env.str() takes a value that begins with $ for the name of another variable.
SECRET_KEY = env.ENVIRON.get("DJANGO_SECRET_KEY", "")
# No key of its own: it is somebody's own machine, and whoever develops wants to see errors.
DEBUG = env.bool("DJANGO_DEBUG", default=not SECRET_KEY)
SECRET_KEY = SECRET_KEY or get_random_secret_key()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Pages of other origins that may use the API in a visitor's browser, such as the one in frontend/.
FRONTEND_ORIGINS = env.list("FRONTEND_ORIGINS", default=["http://127.0.0.1:5173"] if DEBUG else [])

# payments: with keys of your own they go to Stripe, and without any to `manage.py payments_sandbox`
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
DEFAULT_CURRENCY = env.str("DEFAULT_CURRENCY", default="GBP").lower()
GENERIC_PAYMENTS: dict[str, Any] = {
    "ENABLED": env.bool("PAYMENTS_ENABLED", default=True),
    "DEFAULT_CURRENCY": DEFAULT_CURRENCY,
    "STRIPE_SECRET_KEY": STRIPE_SECRET_KEY,
    "STRIPE_WEBHOOK_SECRET": env.list("STRIPE_WEBHOOK_SECRET", default=[]),
}
if base_url := env.str("BASE_URL", default=""):
    GENERIC_PAYMENTS["BASE_URL"] = base_url
# payments: whoever pays on one of those pages goes back there
GENERIC_PAYMENTS["ALLOWED_REDIRECT_HOSTS"] = [urlsplit(origin).netloc for origin in FRONTEND_ORIGINS]
# payments: other services that hear of every payment, and the secrets that sign what they are told
PAYMENTS_WEBHOOK_CALLBACK_SECRET = env.list("PAYMENTS_WEBHOOK_CALLBACK_SECRET", default=[])
GENERIC_PAYMENTS |= {
    "CALLBACK_URLS": env.list("PAYMENTS_WEBHOOK_CALLBACK_URL", default=[]),
    "CALLBACK_SECRETS": PAYMENTS_WEBHOOK_CALLBACK_SECRET,
    # On a developer's machine the other service is there too.
    "CALLBACK_ALLOW_PRIVATE": DEBUG,
}
CHECKOUT_ORIGIN = "https://checkout.stripe.com"
if not STRIPE_SECRET_KEY:
    CHECKOUT_ORIGIN = "http://127.0.0.1:8420"
    GENERIC_PAYMENTS |= {
        "STRIPE_SECRET_KEY": "sk_test_sandbox",
        "STRIPE_WEBHOOK_SECRET": "whsec_sandbox",
        "STRIPE_API_BASE": CHECKOUT_ORIGIN,
    }

# What becomes of a deposit that arrives when the room is gone: "staff" decide, or it is sent back ("refund").
ROOM_TAKEN = env.str("ROOM_TAKEN", default="staff")
if ROOM_TAKEN not in {"staff", "refund"}:
    raise ImproperlyConfigured(
        f"ROOM_TAKEN is {ROOM_TAKEN!r}. Set it to 'staff' or 'refund', or leave it out."
    )

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_generic_payments",  # payments
    "django_generic_payments.contrib.callbacks",  # payments
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "accounts",
    "bookings",
    "inbox",
    "shop",
    "demo",
]

MIDDLEWARE = [
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

if not DEBUG:
    # In production the site serves its static files itself; on a developer's machine runserver does.
    MIDDLEWARE.insert(2, "whitenoise.middleware.WhiteNoiseMiddleware")

if django.VERSION >= (6, 0):
    MIDDLEWARE.insert(2, "django.middleware.csp.ContentSecurityPolicyMiddleware")
    SECURE_CSP = {
        "default-src": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
        # payments: the button is a form of ours that Stripe answers in the end, and browsers ask for both
        "form-action": ["'self'", CHECKOUT_ORIGIN],
    }

# A browser shows them our answers and sends them a visitor's cookie; forms of theirs have to bring a token.
CORS_ALLOWED_ORIGINS = FRONTEND_ORIGINS
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = [*default_headers, "idempotency-key", "payment-token"]
CORS_EXPOSE_HEADERS = ["retry-after"]
CSRF_TRUSTED_ORIGINS += FRONTEND_ORIGINS

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    # payments: the bookings' errors look like those of the payments
    "EXCEPTION_HANDLER": "django_generic_payments.contrib.rest_framework.problems.problem_handler",
    # Counted in each process's own memory: a site with several of them sets CACHES too.
    "DEFAULT_THROTTLE_RATES": {"bookings": "30/min"},
    # How many proxies stand before the site. What visitors themselves write into X-Forwarded-For counts for nothing.
    "NUM_PROXIES": env.int("NUM_PROXIES", default=0),
}
SPECTACULAR_SETTINGS = {
    "TITLE": "The Harbour Rooms",
    "DESCRIPTION": "Book a room, and pay its deposit. Amounts are integers in the minor unit of their currency.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.payments",
            ]
        },
    }
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # Each thread keeps its connection for a while. Those of runserver end with the request, and would keep it open.
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=0 if DEBUG else 60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = env.bool("CONN_HEALTH_CHECKS", default=True)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A transaction that begins by reading would fail when it comes to write while another one does.
    DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 10}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "accounts:log-in"
LOGIN_REDIRECT_URL = "bookings:list"
LOGOUT_REDIRECT_URL = "bookings:rooms"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
# A load balancer asks by plain http, and takes no redirect for an answer.
SECURE_REDIRECT_EXEMPT = [r"^healthz/$"]
# Not by default: where no proxy sets the header, visitors could.
SECURE_PROXY_SSL_HEADER = env.tuple("SECURE_PROXY_SSL_HEADER", default=None)
# An hour: browsers remember it, and a mistake is soon over.
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if DEBUG else 3600)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)
SECURE_REFERRER_POLICY = env.str("SECURE_REFERRER_POLICY", default="same-origin")

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "Europe/London"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
if not DEBUG:
    # Names with a hash of what is in the file, so that browsers may keep it for ever.
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    LOGGING = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": "config.logs.OneLine", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}
        },
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "line",
            }
        },
        "root": {"handlers": ["stdout"], "level": env.str("LOG_LEVEL", default="INFO").upper()},
        # At the level DEBUG it writes down what is sent to Stripe: names, addresses and the like.
        "loggers": {"stripe": {"level": "WARNING"}},
    }

if sentry_dsn := env.str("SENTRY_DSN", default=""):
    # Not above: without a DSN, the package need not be installed.
    from config.error_reports import report_errors

    report_errors(sentry_dsn)
