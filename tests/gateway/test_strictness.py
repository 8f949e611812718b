"""What Stripe says is read strictly where it is used, and not at all where it is not, whatever the object."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import datetime

import pytest
from hypothesis import given, strategies as st

from django_generic_payments.exceptions import UnreadableObject
from django_generic_payments.gateway.records import FieldReader
from tests.gateway.examples import EXAMPLES, REQUIRED

pytestmark = pytest.mark.core


@pytest.fixture(params=EXAMPLES, ids=lambda cls: cls.__name__)
def record(request):
    return request.param


def test_records_are_frozen(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.from_object(EXAMPLES[record]).id = "other"


def test_fields_that_nobody_uses_may_be_anything(record):
    example = {**EXAMPLES[record], "brand_new": {"x": [1]}, "object": "renamed", "customer": 5}

    assert record.from_object(example) == record.from_object(EXAMPLES[record])


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "null"])
def test_a_field_that_is_used_must_be_there(record, missing):
    for name in REQUIRED[record]:
        example = dict(EXAMPLES[record])
        del example[name]
        if not missing:
            example[name] = None

        with pytest.raises(
            UnreadableObject, match=f"has no usable '{name}'.*API version of the webhook endpoint"
        ):
            record.from_object(example)


def test_a_field_that_is_used_must_have_its_type(record):
    wrong = {
        str: [5, "", ["x"], {"id": "x"}, True],
        int: ["5", 5.0, True, 2**63, -(2**63), [5]],
        bool: [1, 0, "true", []],
    }
    for name in REQUIRED[record]:
        for value in wrong[type(EXAMPLES[record][name])]:
            with pytest.raises(UnreadableObject, match=f"'{name}'"):
                record.from_object({**EXAMPLES[record], name: value})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(list(EXAMPLES)), st.data())
def test_any_object_is_read_or_refused(cls, data):
    example = dict(EXAMPLES[cls])
    for name in data.draw(st.lists(st.sampled_from(sorted(example)), min_size=1, max_size=4)):
        example[name] = data.draw(json_values)

    try:
        read = cls.from_object(example)
    except UnreadableObject:
        return

    assert read.id == example["id"]
    for name, kind in (("livemode", bool), ("created", datetime)):
        assert isinstance(getattr(read, name), kind) if hasattr(read, name) else name not in example


@given(json_values)
def test_the_reader_raises_nothing_but_that_it_cannot_read(value):
    reader = FieldReader({"x": value}, "thing")

    for read in (
        reader.text,
        reader.optional_text,
        reader.integer,
        reader.flag,
        reader.moment,
        reader.reference,
    ):
        with contextlib.suppress(UnreadableObject):
            read("x")
