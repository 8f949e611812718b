"""Where the project has its webhook."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from django.conf import settings
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from django_generic_payments.exceptions import ConfigurationError

__all__ = ["webhook_path"]

# By name, because the views stand above this and import it.
_VIEW = ("django_generic_payments.views", "stripe_webhook")


def webhook_path() -> str:
    """
    Return the path of the project's webhook: that of the package's URLs, or that at which the project wired the view.

    Raises ``ConfigurationError`` with the line to add if there is none.
    """
    try:
        return reverse("generic_payments:stripe-webhook")
    except NoReverseMatch:
        pass
    for namespaces, pattern in _patterns(get_resolver()):
        if not _is_webhook(pattern):
            continue
        try:
            return reverse(":".join([*namespaces, pattern.name]) if pattern.name else pattern.callback)
        except NoReverseMatch:
            continue
    raise ConfigurationError(
        'The project has no webhook. Add path("payments/", include("django_generic_payments.urls")) to the urlpatterns '
        f"of {settings.ROOT_URLCONF}."
    )


def _patterns(
    resolver: URLResolver, namespaces: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], URLPattern]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from _patterns(each, (*namespaces, each.namespace) if each.namespace else namespaces)
        else:
            yield namespaces, each


def _is_webhook(pattern: URLPattern) -> bool:
    view = inspect.unwrap(pattern.callback)
    return (view.__module__, getattr(view, "__name__", "")) == _VIEW
