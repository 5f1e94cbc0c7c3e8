"""The handler `comment`."""

from typing import Any

import pytest

from caudal_builtin.comment import comment
from caudal_core.context import Context, Environment
from caudal_core.testing import run_handler


@pytest.mark.parametrize("data", [[{"a": 1}], {"a": 1}, [], 5, None])
def test_hands_on_anything(data: Any) -> None:
    """Whatever comes in goes on."""
    ran = run_handler(comment, data, {"commentText": "Prices of {{ and braces"})
    assert {"out": data} == ran.outputs
    assert ran.message == "handed on unchanged"


def test_hands_on_the_very_object() -> None:
    """The data is not copied, so that it need not be stored twice."""
    data = [{"a": 1}]
    assert comment(comment.parse({}), data, Context("n", Environment())) is data
