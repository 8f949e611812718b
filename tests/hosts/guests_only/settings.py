from __future__ import annotations

SECRET_KEY = "nobody's"
DEBUG = True
ROOT_URLCONF = "tests.hosts.guests_only.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Only because the payments' tables refer to a user that nobody has.
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_generic_payments",
    "tests.hosts.guests_only",
]
MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
STATIC_URL = "static/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
GENERIC_PAYMENTS = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
