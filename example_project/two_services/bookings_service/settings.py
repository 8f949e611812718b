"""The settings of the bookings service."""

from __future__ import annotations

from django.core.management.utils import get_random_secret_key
from environ import Env

env = Env()

SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="") or get_random_secret_key()
DEBUG = False
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1"])
DATABASES = {"default": env.db_url("DATABASE_URL", default="sqlite:///bookings.sqlite3")}
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "two_services.bookings_service.urls"
WSGI_APPLICATION = "two_services.bookings_service.wsgi.application"
INSTALLED_APPS = ["two_services.bookings_service", "inbox"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
# Nobody logs in here: whoever knows the id of a booking may see it.
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}

#: Where the payments service is, and the secrets that sign what it tells us: two while one replaces the other.
PAYMENTS_URL = env.str("PAYMENTS_URL", default="http://127.0.0.1:8001").rstrip("/")
PAYMENTS_WEBHOOK_CALLBACK_SECRET = env.list("PAYMENTS_WEBHOOK_CALLBACK_SECRET")
