"""The handler `output`."""

from typing import Any

import pytest

from caudal_builtin.output import output
from caudal_core.context import Context, Environment
from caudal_core.testing import run_handler


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([{"a": 1}, {"a": 2}], "the result is 2 records"),
        ([{"a": 1}], "the result is 1 record"),
        ([], "the result is 0 records"),
        ([1, 2], "the result is a list of 2"),
        ({"a": 1}, "the result is an object with 1 field"),
        ("text", "the result is a text"),
        (None, "the result is null"),
    ],
)
def test_hands_on_anything(data: Any, said: str) -> None:
    """Whatever comes in goes on, and the message says what it is and how much."""
    ran = run_handler(output, data)
    assert {"out": data} == ran.outputs
    assert said == ran.message


def test_hands_on_the_very_object() -> None:
    """The data is not copied, so that it need not be stored twice."""
    data = [{"a": 1}]
    assert output(output.parse({}), data, Context("n", Environment())) is data
