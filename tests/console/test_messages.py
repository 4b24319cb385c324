"""Whatever a page says is one of the known messages, field by field, or a ContractError."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xview_deploy.console.messages import KINDS, Arm, Click, Stop, parse
from xview_deploy.spec import ContractError

CLICK = {
    "type": "click",
    "request": 1,
    "tick": 2,
    "camera": "overhead",
    "frame": 3,
    "stamp_ns": "1790000000123456789",
    "point": [10.5, 20],
    "on_target": True,
}
FEW = settings(max_examples=60, deadline=None)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_click_keeps_every_nanosecond():
    click = parse(json.dumps(CLICK))
    assert isinstance(click, Click)
    assert click.stamp_ns == 1790000000123456789
    assert click.point == (10.5, 20.0)


def test_stop_needs_nothing_but_a_number():
    assert parse('{"type": "stop", "request": 4}') == Stop(4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected JSON, got ''"),
        ("[1]", "expected an object, got list"),
        ("{}", "expected a type among hello, .* got None"),
        ('{"type": ["stop"]}', "expected a type among"),
        ('{"type": "drive"}', "got 'drive'"),
        ('{"type": "stop"}', r"stop: expected the fields \['request'\], got \[\]"),
        ('{"type": "stop", "request": 1, "speed": 9}', "got .*speed"),
        ('{"type": "stop", "request": -1}', "whole number of 0 or more, got -1"),
        ('{"type": "stop", "request": true}', "whole number of 0 or more, got True"),
        (json.dumps(CLICK | {"point": [1, float("nan")]}), "number within .* got nan"),
        (json.dumps(CLICK | {"point": [1, 10**400]}), "number within"),
        (json.dumps(CLICK | {"point": [1]}), "expected 2 numbers"),
        (json.dumps(CLICK | {"stamp_ns": 5}), "nanoseconds in digits, as text, got 5"),
        (json.dumps(CLICK | {"stamp_ns": "²"}), "nanoseconds in digits"),
        (json.dumps(CLICK | {"on_target": 1}), "true or false, got 1"),
        (json.dumps(CLICK | {"camera": "a\nb"}), "printable"),
        ("[" * 100_000, "expected JSON"),
        ('{"type": "stop", "request": ' + "9" * 5000 + "}", "expected JSON|whole number"),
    ],
)
def test_malformed_message_is_refused_with_what_was_expected(text, said):
    with pytest.raises(ContractError, match=said):
        parse(text)


@FEW
@given(st.text() | anything.map(json.dumps))
def test_any_text_is_refused(text):
    with pytest.raises(ContractError):
        parse(text)


@FEW
@given(
    kind=st.sampled_from(sorted(KINDS)),
    fields=st.dictionaries(st.sampled_from(["request", "tick", "goal", "camera", "draft", "box"]), anything),
)
def test_any_fields_are_refused_or_are_whole_messages(kind, fields):
    try:
        message = parse(json.dumps({"type": kind, **fields}))
    except ContractError:
        return
    assert type(message) is KINDS[kind]
    assert not isinstance(message, Arm) or isinstance(message.goal, str)
