"""Where the project has its webhook."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from django.conf import settings
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, get_script_prefix, reverse
from django.urls.resolvers import RegexPattern

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
    for resolvers, pattern in _routes(get_resolver()):
        if not _is_webhook(pattern):
            continue
        try:
            return _path(resolvers, pattern)
        except NoReverseMatch:
            continue
    raise ConfigurationError(
        'The project has no webhook. Add path("payments/", include("django_generic_payments.urls")) to the urlpatterns '
        f"of {settings.ROOT_URLCONF}."
    )


def _routes(resolver: URLResolver) -> Iterator[tuple[list[URLResolver], URLPattern]]:
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from (([each, *inner], pattern) for inner, pattern in _routes(each))
        else:
            yield [], each


def _is_webhook(pattern: URLPattern) -> bool:
    view = inspect.unwrap(pattern.callback)
    return (view.__module__, getattr(view, "__name__", "")) == _VIEW


def _path(resolvers: list[URLResolver], pattern: URLPattern) -> str:
    # By the route alone: a name may be another's too, and without one nothing can be reversed inside a namespace.
    route: URLPattern | URLResolver = URLPattern(pattern.pattern, pattern.callback, name="webhook")
    for each in reversed(resolvers):
        route = URLResolver(each.pattern, [route])
    return get_script_prefix() + URLResolver(RegexPattern(""), [route]).reverse("webhook")
