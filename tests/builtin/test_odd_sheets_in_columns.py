"""Large sheets in columns that no program writes so: the same is said of them either way."""

from pathlib import Path

import pytest
from tests.builtin.sheets import (
    DAY,
    MOMENT,
    NOTHING,
    cells,
    ended,
    error,
    flag,
    is_read_in_columns,
    number,
    same,
    text,
    write,
)

AGAIN = {"text": text("x"), "flag": flag(0), "moment": number(46_001, MOMENT), "error": error()}


@pytest.mark.parametrize("again", [*AGAIN, "what the library calls one without a name"])
@pytest.mark.parametrize("first", [NOTHING, text(""), error(), flag(1), number(46_000, DAY)])
@pytest.mark.parametrize("at", ["A1", "C1"])
def test_a_name_that_is_written_again(tmp_path: Path, at: str, first: str, again: str) -> None:
    """Of two cells in one place the last one counts, however far behind it stands."""
    data = cells([first, text("b")], *([number(n), number(n)] for n in range(40)))
    cell = AGAIN.get(again, text("__UNNAMED__0")).replace("<c", f'<c r="{at}"', 1)
    same(write(tmp_path / "a.xlsx", f'{data}<row r="42">{cell}</row>'))


TAILS = {
    b"</sheetData></worksheet>": True,
    b"</sheetData><mergeCells><x></mergeCells></worksheet>": True,
    b"</sheetData></wrong>": True,
    b"</sheetData>": True,
    b"</sheetData><broken": False,
    b"</sheetData>\x00\xff</worksheet>": False,
}


@pytest.mark.parametrize("tail", TAILS)
def test_what_follows_the_cells(tmp_path: Path, tail: bytes) -> None:
    """What is an error cell by cell is one in columns as well."""
    path = ended(
        write(tmp_path / "a.xlsx", cells([text("n")], *([number(n)] for n in range(30)))), tail
    )
    assert TAILS[tail] is ("error" not in same(path))
    if TAILS[tail]:
        assert is_read_in_columns(path)
