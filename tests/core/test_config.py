"""The config of a node: what editors store, and what the model makes of it."""

from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from caudal_core import Config, Field, Secret, Text


class Inner(Config):
    """An entry of a list."""

    old_name: str = ""
    new_name: str = ""


class Sample(Config):
    """One field of each kind."""

    port: int = Field(502, title=Text(en="Port", es="Puerto"), unit="s", ge=0)
    ratio: float | None = None
    columns: list[str] = Field(default_factory=list)
    numbers: list[int] = Field(default_factory=list)
    entries: list[Inner] = Field(default_factory=list)
    text: str = "default"
    any_value: Any = "anything"
    switch: bool = False
    mode: Literal["batch", "perRow"] = "batch"
    password: Secret | None = None
    input_name: str = Field("input", aliases=("varName", "variableName"))


def read(**stored: Any) -> Sample:
    """The config that a workflow stores."""
    return Sample.model_validate(stored)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (502, 502),
        ("502", 502),
        (" 502 ", 502),
        ("502.0", 502),
        ("", 502),
        (None, 502),
        ("1503", 1503),
    ],
)
def test_whole_numbers(stored: Any, expected: int) -> None:
    """A number may be stored as text; an empty text and null mean absent."""
    assert expected == read(port=stored).port


@pytest.mark.parametrize(
    ("stored", "expected"), [("1,5", 1.5), ("1.5", 1.5), (2, 2.0), ("", None), (None, None)]
)
def test_decimals(stored: Any, expected: float | None) -> None:
    """A decimal may be stored with a comma."""
    assert expected == read(ratio=stored).ratio


@pytest.mark.parametrize("stored", ["nan", "inf", "-Infinity", True, "abc", "1.234,5"])
def test_what_is_no_number_is_refused(stored: Any) -> None:
    """Neither a boolean nor a text that is no finite number counts as one."""
    with pytest.raises(ValidationError, match="ratio"):
        read(ratio=stored)
    with pytest.raises(ValidationError, match="port"):
        read(port=stored)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        ("a, b", ["a", "b"]),
        ("a\nb\n", ["a", "b"]),
        ('["a, b", "c"]', ["a, b", "c"]),
        ("one", ["one"]),
        ("", []),
        (None, []),
        (" , ", []),
    ],
)
def test_lists(stored: Any, expected: list[str]) -> None:
    """A list may be stored as text: as JSON, or as items between commas or line ends."""
    assert expected == read(columns=stored).columns


def test_lists_of_numbers_and_of_entries() -> None:
    """The items of a list stored as text are read as the list wants them."""
    assert [1, 2] == read(numbers="1, 2").numbers
    entries = read(entries='[{"oldName": "a", "newName": null}]').entries
    assert [("a", "")] == [(entry.old_name, entry.new_name) for entry in entries]


def test_a_list_that_is_broken_json_is_a_problem_of_its_field() -> None:
    """A broken list is reported with the others, saying where it breaks."""
    with pytest.raises(ValidationError) as caught:
        read(columns='["a", ')
    assert "the list is not JSON" in caught.value.errors()[0]["msg"]


def test_an_empty_text_is_a_text() -> None:
    """Where a text is wanted an empty one is kept; null means absent."""
    assert "" == read(text="").text
    assert "default" == read(text=None).text
    assert read(anyValue=None).any_value is None
    assert "" == read(anyValue="").any_value
    assert "batch" == read(mode="").mode
    assert read(switch="true").switch


def test_names_on_the_wire_are_camel_case() -> None:
    """A field's camelCase name and its own are both understood."""
    assert 1 == read(anyValue=1).any_value
    assert 1 == Sample(any_value=1).any_value


def test_aliases_are_older_names() -> None:
    """An older name counts where the present one is not stored, in whatever order they come."""
    assert "a" == read(varName="a").input_name
    assert "b" == read(variableName="b").input_name
    assert "now" == read(varName="old", inputName="now").input_name
    assert "now" == read(inputName="now", varName="old").input_name
    assert "a" == read(variableName="b", varName="a").input_name
    assert "a" == read(inputName=None, varName="a").input_name


def test_unknown_keys_are_kept_and_told() -> None:
    """An editor's own keys survive, and can be asked for."""
    assert {"uiColour": "red"} == read(uiColour="red", port=1).model_extra
    assert ["uiColour"] == Sample.unknown_keys({"uiColour": "red", "port": 1, "varName": "x"})
    assert {"inputName", "varName", "variableName", "port"} <= set(Sample.known_keys())
    assert "input_name" not in Sample.known_keys()


def test_a_secret_does_not_show() -> None:
    """A secret shows in no text made of its config; only `reveal` gives it."""
    config = read(password="hunter2")
    assert config.password is not None
    assert "hunter2" == config.password.reveal()
    assert "hunter2" not in f"{config!r} {config} {config.model_dump()} {config.model_dump_json()}"


def test_a_config_does_not_change() -> None:
    """A config is shared by all executions of its workflow and cannot be changed."""
    with pytest.raises(ValidationError, match="frozen"):
        read().port = 3  # type: ignore[misc]


def test_the_schema_has_what_a_form_needs() -> None:
    """Title, unit, aliases and the Spanish text stand in the JSON Schema under wire names."""
    properties = Sample.model_json_schema()["properties"]
    assert "Port" == properties["port"]["title"]
    assert {"title": "Puerto"} == properties["port"]["x-es"]
    assert "s" == properties["port"]["x-unit"]
    assert 502 == properties["port"]["default"]
    assert 0 == properties["port"]["minimum"]
    assert ["varName", "variableName"] == properties["inputName"]["x-aliases"]
    assert properties["password"]["anyOf"][0]["writeOnly"]


def test_a_number_out_of_its_limits_is_refused() -> None:
    """The limits of a field hold for numbers stored as text too."""
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        read(port="-1")


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text(max_size=8)))
def test_unknown_keys_never_stand_in_the_way(stored: dict[str, Any]) -> None:
    """Whatever an editor keeps beside the fields is no reason to refuse a config."""
    unknown = {key: stored[key] for key in Sample.unknown_keys(stored)}
    assert unknown == Sample.model_validate(unknown).model_extra
