"""The environment is what its name says it is."""

from __future__ import annotations

import os

import django
import pytest

EXPECTED = os.environ.get("EXPECTED_DJANGO", "")


@pytest.mark.core
@pytest.mark.skipif(
    not EXPECTED, reason="no Django is promised: EXPECTED_DJANGO is set by tox, py313-dj61 and the like"
)
def test_the_django_is_the_one_that_the_environment_promises():
    assert ".".join(map(str, django.VERSION[:2])) == EXPECTED
