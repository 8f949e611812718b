"""The admin of the shop: what is paid for has a page of its own, or has none."""

from __future__ import annotations

from django.contrib import admin

from tests.shop.models import Booking

admin.site.register(Booking)
