"""The handler `webhook`."""

from typing import Any

import pytest

from caudal_builtin.webhook import webhook
from caudal_core import DataError
from caudal_core.testing import run_handler

REQUEST = {"headers": {"x-id": "7"}, "query": {"q": "1"}, "method": "POST"}


def ran(config: dict[str, Any] | None = None, **inputs: Any) -> Any:
    """What the node hands on as a root of an execution with these inputs."""
    return run_handler(webhook, inputs, config, inputs=inputs)


@pytest.mark.parametrize("body", [{"order": 7}, [{"a": 1}], "text", 5, None, []])
def test_hands_on_the_body(body: Any) -> None:
    """The request's body is handed on, whatever kind of value it is, before any test data."""
    found = ran({"webhookData": '{"test": true}'}, _webhookData=body, price=5)
    assert {"out": body} == found.outputs
    assert found.message.endswith("from the request")


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ('{"order": 7}', {"order": 7}),
        ({"order": 7}, {"order": 7}),
        ('[{"a": 1}]', [{"a": 1}]),
        ([], []),
        ("plain text", "plain text"),
        ("08001", "08001"),
        ("5", 5),
        (0, 0),
    ],
)
def test_hands_on_test_data_without_a_request(stored: Any, expected: Any) -> None:
    """Without a request the test data counts, stored as a value or as JSON text."""
    found = ran({"webhookData": stored}, price=5)
    assert {"out": expected} == found.outputs
    assert found.message.endswith("from the test data")


@pytest.mark.parametrize("stored", ['{"order": ', "[1,", '  {"a": 1, "a": 2}'])
def test_broken_test_data_is_refused(stored: str) -> None:
    """A text that begins like JSON and is none is an error, not a text."""
    with pytest.raises(DataError, match=r"the test data .*; mend webhookData"):
        ran({"webhookData": stored})


def test_broken_test_data_does_not_stop_a_request() -> None:
    """Test data is not read where there is a request."""
    assert {"a": 1} == ran({"webhookData": '{"order": '}, _webhookData={"a": 1}).output


@pytest.mark.parametrize("config", [{}, {"webhookData": ""}, {"webhookData": None}])
def test_hands_on_the_inputs_without_request_and_test_data(config: dict[str, Any]) -> None:
    """Else the execution's inputs go on, without the reserved ones."""
    found = ran(config, price=5, _webhookRequest=REQUEST)
    assert {"out": {"price": 5}} == found.outputs
    assert found.message == "an object with 1 field, from the inputs"


def test_hands_on_the_whole_request_when_asked() -> None:
    """Body, headers, query and method are handed on together on request."""
    found = ran({"webhookIncludeRequest": "true"}, _webhookData=[1], _webhookRequest=REQUEST)
    assert {"body": [1], **REQUEST} == found.output


def test_a_run_without_a_request_has_an_empty_one() -> None:
    """The whole request keeps its shape where there was none."""
    found = ran({"webhookIncludeRequest": True, "webhookData": [1]})
    assert {"body": [1], "headers": {}, "query": {}, "method": None} == found.output


def test_token_and_secret_do_not_show() -> None:
    """Secrets of a config show neither in its repr nor in its JSON."""
    config = webhook.parse({"webhookToken": "sesame", "webhookSecret": "open"})
    shown = repr(config) + config.model_dump_json()
    assert "sesame" not in shown
    assert "open" not in shown
