"""Templates: look-up by name, paths, defaults and a few filters."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caudal_core import DataError, TemplateError, UnknownField
from caudal_core.context import Context, Environment
from caudal_core.formats import People, as_text, format_date, literal
from caudal_core.records import Records
from caudal_core.template import compile_template, render_rows, render_value, templates_in
from caudal_core.values import normalise, to_wire

NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Zs", "Cc"], exclude_characters="{}|"),
    min_size=1,
    max_size=12,
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


def filled(text: str, record: dict[str, Any], columns: list[str] | None = None) -> Any:
    """A template filled from one record."""
    return compile_template(text).render(record, columns=columns)


@settings(deadline=None)
@given(NAMES, VALUES)
def test_a_column_is_found_by_its_name_as_it_is(name: str, value: Any) -> None:
    """Whatever a column is called, its name between braces gives its value, of its own type."""
    found = filled("{{" + name + "}}", {name: value})
    assert found is value


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="{"), max_size=30))
def test_a_text_without_placeholders_stays(text: str) -> None:
    """A text without braces is handed on as it is."""
    assert text == filled(text, {})
    assert compile_template(text).constant


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{Precio (€/MWh)}}", 61.5),
        ("{{ Precio (€/MWh) }}", 61.5),
        ("{{año}}", 2026),
        ("{{a.b}}", "dot in the name"),
        ("{{o.x}}", 1),
        ("{{items[0].x}}", "first"),
        ("{{items[1]}}", "second"),
        ("{{list}}", [1, 2]),
        ("{{nothing}}", None),
        ("{{x}} and {{x}}", "1 and 1"),
        ("[{{nothing}}]", "[]"),
        ("{{yes}}: {{list}} {{o}}", 'true: [1,2] {"x":1}'),
        ("{{float}}", 1.0),
        ("={{float}}", "=1.0"),
        ("{x}", "{x}"),
        ("{{x}}}", "1}"),
    ],
)
def test_look_up(template: str, expected: Any) -> None:
    """A whole name comes before a path; alone a value keeps its type, in a text it is JSON."""
    record = {
        "Precio (€/MWh)": 61.5,
        "año": 2026,
        "a.b": "dot in the name",
        "a": {"b": "path"},
        "o": {"x": 1},
        "items": [{"x": "first"}, "second"],
        "list": [1, 2],
        "nothing": None,
        "yes": True,
        "float": 1.0,
        "x": 1,
    }
    found = filled(template, record)
    assert (type(expected), expected) == (type(found), found)


def test_spaces_that_belong_to_a_name() -> None:
    """A column whose name ends in a space can be named, and does not hide one without."""
    assert 1 == filled("{{Precio }}", {"Precio ": 1})
    assert 2 == filled("{{Precio }}", {"Precio ": 1, "Precio": 2})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{missing|0}}", 0),
        ("{{missing|1.5}}", 1.5),
        ("{{missing|none given}}", "none given"),
        ("{{missing|08001}}", "08001"),
        ("{{nothing|7}}", 7),
        ("{{x|7}}", 1),
        ("{{o.missing|7}}", 7),
        ("{{a.b|7}}", "dot in the name"),
        ("{{a.b|upper}}", "DOT IN THE NAME"),
        ("{{a|b}}", "bar in the name"),
    ],
)
def test_defaults(template: str, expected: Any) -> None:
    """A default stands in for a field that is unknown or null, and hides none that is there."""
    record: dict[str, Any] = {"x": 1, "nothing": None, "o": {}}
    record |= {"a.b": "dot in the name", "a|b": "bar in the name"}
    found = filled(template, record)
    assert (type(expected), expected) == (type(found), found)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{x|number:2}}", "1234.50"),
        ("{{half|number:2}}", "2.68"),
        ("{{half|number:0}}", "3"),
        ("{{below|number:1}}", "-0.3"),
        ("{{tiny|number:2}}", "0.00"),
        ("{{text|number:1}}", "3.5"),
        ("{{big|number:2}}", "1152921504606846977.00"),
        ("{{exact|number:3}}", "0.123"),
        ("{{nothing|number:2}}", None),
        ("{{when|date:dd/MM/yyyy HH:mm}}", "01/03/2026 09:05"),
        ("{{when|date:d/M/yy H:mm:ss.SSS}}", "1/3/26 9:05:07.250"),
        ("{{name|upper}}", "ÉBRO"),
        ("{{o|json}}", '{"x":1}'),
        ("{{missing|5|number:1}}", "5.0"),
        ("{{when|date:yyyy-MM-ddTHH:mm}}", "2026-03-01T09:05"),
        ("{{when|date:yyyyMMdd}}", "20260301"),
    ],
)
def test_filters(template: str, expected: Any) -> None:
    """Numbers, dates, capitals and JSON have a form of their own."""
    record = {
        "x": 1234.5,
        "half": 2.675,
        "below": -0.25,
        "tiny": 1e-300,
        "text": "3.5",
        "big": 2**60 + 1,
        "exact": Decimal("0.12345678901234567"),
        "nothing": None,
        "when": "2026-03-01T09:05:07.250",
        "name": "Ébro",
        "o": {"x": 1},
    }
    assert expected == filled(template, record)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{name|number:2}}", "'number:2' needs a number, got \"Ebro\""),
        ("{{yes|number:2}}", "'number:2' needs a number, got true"),
        ("{{name|date:yyyy}}", "'date:yyyy' needs a date, got \"Ebro\""),
    ],
)
def test_filters_say_what_they_cannot_take(template: str, why: str) -> None:
    """A value that a filter cannot take is an error that shows it."""
    with pytest.raises(DataError) as caught:
        filled(template, {"name": "Ebro", "yes": True})
    assert why == str(caught.value)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{a", "'{{' at character 1 is never closed"),
        ("x {{a}} {{b", "'{{' at character 9 is never closed"),
        ("{{}}", "'{{}}' names no field"),
        ("{{  }}", "'{{}}' names no field"),
        ("{{a|date:d MMMM}}", "'MMMM' in 'date:d MMMM' is no part of a date; there are yyyy yy MM"),
        ("{{a|date:hh:mm}}", "'hh' in 'date:hh:mm' is no part of a date"),
        ("{{a|date:ddd}}", "'ddd' in 'date:ddd' is no part of a date"),
        ("{{a|date:dd de MM}}", "'e' in 'date:dd de MM' is no part of a date"),
        ("{{a|date:yyyy-MM-ddTHH:mm:ssZ}}", "'Z' in"),
        ("{{a|date:YYYY}}", "'YYYY' in 'date:YYYY' is no part of a date"),
    ],
)
def test_what_cannot_be_read(template: str, why: str) -> None:
    """An unreadable template says what is wrong with it, and where."""
    with pytest.raises(TemplateError) as caught:
        compile_template(template)
    assert why in str(caught.value)
    assert why not in caught.value.text("es")


def test_numbers_for_people_round_alike() -> None:
    """In a text for people halves go away from zero too, however long the number is."""
    people = People("es-ES")
    assert "2,68" == compile_template("{{x|number:2}}").render({"x": 2.675}, people=people)
    long = compile_template("{{x|number:2}}").render({"x": 10**40}, people=people)
    assert "10" + ".000" * 13 + ",00" == long


def test_many_placeholders_are_read() -> None:
    """A template is read in time that grows with its length."""
    assert "1" * 200_000 == filled("{{x}}" * 200_000, {"x": 1})


def test_an_unknown_field_lists_those_there_are() -> None:
    """A name that is nowhere is an error with the names there are and the nearest."""
    with pytest.raises(UnknownField) as caught:
        filled("{{preco}}", {"precio": 1, "kwh": 2})
    assert "unknown field 'preco'; the fields are: precio, kwh; did you mean 'precio'?" == str(
        caught.value
    )


def test_a_field_that_only_other_records_have_is_null() -> None:
    """Whether a field is known is asked of the table, not of the record."""
    columns = ["a", "b.c", "o"]
    assert filled("{{b.c}}", {"a": 1}, columns) is None
    assert 7 == filled("{{b.c|7}}", {"a": 1}, columns)
    assert filled("{{b.c|number:2}}", {"a": 1}, columns) is None
    assert filled("{{o.x}}", {"a": 1}, columns) is None
    with pytest.raises(UnknownField):
        filled("{{z}}", {"a": 1}, columns)


@pytest.mark.parametrize("text", ["{{2*3}}", "{{a.clear()}}", "{{a.__class__}}", "{{a.keys}}"])
def test_a_template_only_looks(text: str) -> None:
    """What looks like code is a name, and nothing more happens with it."""
    with pytest.raises(UnknownField):
        filled(text, {"a": {"b": 1}})
    with pytest.raises(UnknownField):
        render_rows(text, Records([{"a": {"b": 1}}]))


def test_a_path_that_no_record_has_lists_those_beside_it() -> None:
    """Over a table a path that is nowhere is an error which names what lies where it would."""
    rows = Records([{"a": None}, {"a": {"id": 1}, "x": 2}])
    with pytest.raises(UnknownField) as caught:
        render_rows("{{a.idd}}", rows)
    expected = "unknown field 'a.idd'; the fields are: a.id, a, x; did you mean 'a.id'?"
    assert expected == str(caught.value)
    with pytest.raises(UnknownField, match=r"the fields are: a, x$"):
        render_rows("{{a[0]}}", rows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{a.b}}", [None, None, None, None, 1]),
        ("{{a.b|7}}", [7, 7, 7, 7, 1]),
        ("{{a.nowhere|7}}", [7, 7, 7, 7, 7]),
        ("{{a}}", [None, None, {}, 5, {"b": 1}]),
        ("v={{a.b}}", ["v=", "v=", "v=", "v=", "v=1"]),
    ],
)
def test_a_path_that_some_record_has_is_null_in_the_others(text: str, expected: list[Any]) -> None:
    """One look at the table tells that a path is known, wherever in it the record stands."""
    rows = Records([{}, {"a": None}, {"a": {}}, {"a": 5}, {"a": {"b": 1}}])
    assert expected == render_rows(text, rows)
    assert expected[-1:] == render_rows(text, Records([{"a": {"b": 1}}], single=True))


def test_without_records_no_path_is_unknown() -> None:
    """Where there are no records nobody knows which fields they would have."""
    assert [] == render_rows("{{a.b}} {{c}}", Records())


def test_render_value_goes_inside_lists_and_objects() -> None:
    """Every text in a config value is filled; keys and other values stay."""
    value = {"{{k}}": ["{{x}}", {"deep": "v={{x}}"}], "n": 1, "none": None}
    expected = {"{{k}}": [1, {"deep": "v=1"}], "n": 1, "none": None}
    assert expected == render_value(value, {"x": 1})
    assert ["{{x}}", "v={{x}}"] == list(templates_in(value))


def test_the_context_renders_each_record() -> None:
    """Over records a template gives one value a record, over one record one value."""
    ctx = Context("n", Environment())
    assert [1, None] == ctx.render("{{a}}", Records([{"a": 1}, {"b": 2}]))
    assert ["x", "x"] == ctx.render("x", Records([{}, {}]))
    assert [] == ctx.render("{{anything}}", Records([]))
    assert 1 == ctx.render("{{a}}", {"a": 1})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12),
        ("-0.5", -0.5),
        ("123456789012345", 123456789012345),
        ("1234567890123456", "1234567890123456"),
        ("12345678.12345678", "12345678.12345678"),
        ("08001", "08001"),
        ("+34", "+34"),
        ("1e5", "1e5"),
        ("1,5", "1,5"),
        ("٣", "٣"),
        ("", ""),
    ],
)
def test_literals(text: str, expected: Any) -> None:
    """A default is a number only if it is written as one of at most 15 digits."""
    found = literal(text)
    assert (type(expected), expected) == (type(found), found)


@settings(deadline=None)
@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_numbers_in_texts_are_json(value: Any) -> None:
    """A number or boolean in a text reads as it does in JSON."""
    assert to_wire(normalise(value)).decode().strip('"') == as_text(value)


def test_dates_without_time_have_midnight() -> None:
    """A date fills the tokens of time with zeros; what is no token stays."""
    from datetime import date

    assert "2026-03-01T00:00" == format_date(date(2026, 3, 1), "yyyy-MM-ddTHH:mm")


@pytest.mark.parametrize("row", [{"c": None}, {"c": {"list": []}}])
@pytest.mark.parametrize("text", ["{{c.id}}", "{{c.list[0].id}}"])
def test_a_path_into_nothing_is_null(row: dict[str, Any], text: str) -> None:
    """Where a record has nothing on the way, nobody knows what there would be: that is null."""
    if row["c"] is None or "list" in text:
        assert [None] == render_rows(text, Records([row]))
        assert None is render_value(text, row)
