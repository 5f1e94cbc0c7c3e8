"""The handler `webhookResponse`."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from caudal_builtin.webhook_response import webhook_response
from caudal_core import DataError, UnknownField
from caudal_core.testing import run_handler

ROWS = [{"id": 1, "name": "Ana", "total": 5}, {"id": 2, "name": "Luis", "extra": True}]


def answer(data: Any, mode: str = "passthrough", **config: Any) -> Any:
    """The body that the caller is answered."""
    stored = {"webhookResponseMode": mode} | {
        f"webhookResponse{key[0].upper()}{key[1:]}": value for key, value in config.items()
    }
    ran = run_handler(webhook_response, data, stored)
    assert {"out": data} == ran.outputs
    return ran.report["webhookResponseBody"]


@pytest.mark.parametrize("data", [ROWS, {"a": 1}, {"out": {"a": 1}}, [], "text", 5, None])
def test_passthrough_answers_what_comes_in(data: Any) -> None:
    """By default the caller is answered 200 with what comes in, which goes on unchanged."""
    ran = run_handler(webhook_response, data)
    assert {"out": data} == ran.outputs
    assert {
        "webhookResponseStatusCode": 200,
        "webhookResponseHeaders": {},
        "webhookResponseBody": data,
    } == ran.report


def test_the_message_says_what_is_answered() -> None:
    """The message gives status and kind of body."""
    ran = run_handler(webhook_response, ROWS, {"webhookResponseStatusCode": "201"})
    assert ran.message == "answers 201 with 2 records"


@pytest.mark.parametrize("status", [200, "202", 404, 599])
def test_status_is_as_configured(status: Any) -> None:
    """The status is a number, stored as one or as text."""
    ran = run_handler(webhook_response, {}, {"webhookResponseStatusCode": status})
    assert int(status) == ran.report["webhookResponseStatusCode"]


@pytest.mark.parametrize("status", [99, 100, 199, 600, "ok", 200.5, True])
def test_a_status_that_is_none_is_refused(status: Any) -> None:
    """Only 200 to 599 end a request."""
    with pytest.raises(ValidationError):
        webhook_response.parse({"webhookResponseStatusCode": status})


@pytest.mark.parametrize(
    ("data", "fields", "expected"),
    [
        (ROWS, ["name", "id"], [{"name": "Ana", "id": 1}, {"name": "Luis", "id": 2}]),
        (ROWS, "id, extra", [{"id": 1}, {"id": 2, "extra": True}]),
        ({"a": 1, "b": 2}, ["b"], {"b": 2}),
    ],
)
def test_selected_answers_some_fields(data: Any, fields: Any, expected: Any) -> None:
    """Only the fields named are answered, in their order, of the object or of each record."""
    assert expected == answer(data, "selected", fields=fields)


def test_selected_refuses_an_unknown_field() -> None:
    """A field that no record has is an error which names the nearest."""
    with pytest.raises(UnknownField, match="did you mean 'name'"):
        answer(ROWS, "selected", fields=["nam"])


def test_selected_needs_fields() -> None:
    """A selection of nothing is a problem of the config."""
    with pytest.raises(ValidationError, match="webhookResponseFields is empty"):
        webhook_response.parse({"webhookResponseMode": "selected", "webhookResponseFields": ""})


def test_selected_needs_records() -> None:
    """A number has no fields to select."""
    with pytest.raises(DataError, match="needs records"):
        answer(5, "selected", fields=["a"])


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Thanks, {{name}}", "Thanks, Ana"),
        ('{"id": {{id}}, "who": "{{name}}"}', {"id": 1, "who": "Ana"}),
        ('{"id": "{{id}}"}', {"id": "1"}),
        ("{{id}}", 1),
        ('{"extra": {{extra}}}', {"extra": None}),
        ('{"extra": "{{extra}}"}', {"extra": ""}),
        ('{"done": true}', {"done": True}),
        ("plain", "plain"),
        ("", ""),
        ("{{total|0}} {{tax|0}}", "5 0"),
        ("{broken {{name}}", "{broken Ana"),
        ({"id": "{{id}}", "all": ["{{name}}", 3]}, {"id": 1, "all": ["Ana", 3]}),
        (["{{name}}"], ["Ana"]),
        (None, None),
    ],
)
def test_template_is_filled_from_the_first_record(template: Any, expected: Any) -> None:
    """A text that is JSON once filled is answered as JSON, another as text, a value as a value."""
    assert expected == answer(ROWS, "template", template=template)


@pytest.mark.parametrize("name", ['Pipe 1/2"', "back\\slash", 'x", "admin": true, "y": "', "a\nb"])
def test_a_quote_in_the_data_does_not_break_json(name: str) -> None:
    """Inside quotes a placeholder is escaped, so data can neither break nor add to the answer."""
    found = answer({"name": name}, "template", template='{"say": "\\"{{name}}\\"", "n": 1}')
    assert {"say": f'"{name}"', "n": 1} == found


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (Decimal("1.12345678901234567890"), "1.12345678901234567890"),
        (2**53, "9007199254740992"),
        (-(2**53), "-9007199254740992"),
        (2**53 - 1, 2**53 - 1),
        (1.5, 1.5),
    ],
)
def test_a_number_that_json_readers_round_goes_as_text(number: Any, expected: Any) -> None:
    """In a body of JSON such a number is the text of all its digits, alone and inside a list."""
    template = '{"n": {{n}}, "in": "{{n}}", "list": {{list}}}'
    found = answer({"n": number, "list": [number]}, "template", template=template)
    assert {"n": expected, "in": str(expected), "list": [expected]} == found


def test_template_keeps_text_outside_json_as_it_is() -> None:
    """In a text that is no JSON nothing is escaped."""
    found = answer({"name": 'a "b"'}, "template", template='He said "{{name}}"')
    assert found == 'He said "a "b""'


def test_template_takes_an_object() -> None:
    """A template is filled from an object as from a record."""
    assert answer({"a": {"b": 2}}, "template", template="{{a.b}}") == 2


@pytest.mark.parametrize("name", ["nombre", "meta.__class__", "meta.b"])
def test_template_refuses_an_unknown_field(name: str) -> None:
    """A placeholder for a field or path that no record has is an error."""
    rows = [{**ROWS[0], "meta": {"a": 1}}]
    for template in ("{{" + name + "}}", {"list": ["{{" + name + "}}"]}):
        with pytest.raises(UnknownField, match=f"unknown field '{name}'"):
            answer(rows, "template", template=template)
    with pytest.raises(UnknownField, match=f"unknown field '{name}'"):
        answer(rows, headers={"X-Id": "{{" + name + "}}"})


def test_a_path_that_only_other_records_have_is_null() -> None:
    """The first record is filled in, yet all of them tell which fields there are."""
    rows = [{"meta": None}, {"meta": {"a": 1}}]
    assert {"a": None} == answer(rows, "template", template='{"a": {{meta.a}}}')


def test_template_needs_a_record() -> None:
    """Without a record there is nothing to fill a template from; a constant one needs none."""
    assert answer([], "template", template='{"found": 0}') == {"found": 0}
    with pytest.raises(DataError, match="no record to fill"):
        answer([], "template", template="{{id}}")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([{"key": "X-Id", "value": "{{id}}"}], {"X-Id": "1"}),
        ([{"key": "X-Id", "value": 7}, {"key": "", "value": ""}], {"X-Id": "7"}),
        ({"X-Name": "{{name}} "}, {"X-Name": "Ana"}),
        ('[{"key": "X-Id", "value": "a"}]', {"X-Id": "a"}),
        ([{"key": "X-Word", "value": "señal"}], {"X-Word": "señal"}),
        ([], {}),
        ("", {}),
    ],
)
def test_headers_are_an_object_of_texts(headers: Any, expected: Any) -> None:
    """Headers may be stored as a list or as an object, and hold templates."""
    ran = run_handler(webhook_response, ROWS, {"webhookResponseHeaders": headers})
    assert expected == ran.report["webhookResponseHeaders"]


@pytest.mark.parametrize("name", ["", "X Id", "X:Id", "X-Id\r\nSet-Cookie", "Ñ"])
def test_a_header_needs_a_name(name: str) -> None:
    """A header whose name HTTP does not know is a problem of the config."""
    with pytest.raises(ValidationError, match="is no name of a header"):
        webhook_response.parse({"webhookResponseHeaders": [{"key": name, "value": "a"}]})


def test_a_header_is_given_once() -> None:
    """Two headers of one name, capitals or not, are a problem of the config."""
    lines = [{"key": "X-Id", "value": "a"}, {"key": "x-id", "value": "b"}]
    with pytest.raises(ValidationError, match="the header 'x-id' is given 2 times"):
        webhook_response.parse({"webhookResponseHeaders": lines})


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: b", "a\tb", "a\x00", "5 €"])
def test_a_header_holds_no_characters_that_http_refuses(value: str) -> None:
    """Line ends and the like are refused in a header's value, wherever they came from."""
    config = {"webhookResponseHeaders": [{"key": "X-Id", "value": "{{v}}"}]}
    with pytest.raises(DataError, match="the header 'X-Id' holds characters"):
        run_handler(webhook_response, {"v": value}, config)
