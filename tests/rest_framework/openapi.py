"""The OpenAPI document of the package's own API: ``python -m tests.rest_framework.openapi`` writes it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "docs" / "reference" / "openapi.yaml"


def document() -> dict[str, Any]:
    """Return what drf-spectacular says, without what the project decides: who may ask, and where the API is."""
    from django.urls import include, path
    from drf_spectacular.generators import SchemaGenerator

    patterns = [path("", include("django_generic_payments.contrib.rest_framework.urls"))]
    made: dict[str, Any] = SchemaGenerator(patterns=patterns).get_schema(request=None, public=True)
    for operations in made["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    made["components"].pop("securitySchemes", None)
    made["servers"] = [{"url": "/api/payments"}]
    return made


def write() -> None:
    """Write the file that is part of the documentation."""
    from drf_spectacular.renderers import OpenApiYamlRenderer

    FILE.write_bytes(OpenApiYamlRenderer().render(document(), renderer_context={}))


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    os.environ.setdefault("PAYMENTS_TEST_DATABASE", "sqlite")
    import django

    django.setup()
    write()
