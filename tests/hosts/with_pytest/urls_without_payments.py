"""A project that has forgotten the addresses of its payments."""

from __future__ import annotations

urlpatterns: list[object] = []
