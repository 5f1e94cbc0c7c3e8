"""Which files a node may read."""

import os
import re
from pathlib import Path

import pytest

from caudal_core import FileRefused
from caudal_core.files import FileAccess


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An open folder with a file, beside a secret one."""
    folder = tmp_path / "open"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "prices.csv").write_text("a\n1\n")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def test_without_roots_nothing_may_be_read(root: Path) -> None:
    """Where the operator opened no folder every name is refused, saying what to set."""
    with pytest.raises(FileRefused, match="CAUDAL_FILE_ROOTS"):
        FileAccess().path(str(root / "inner" / "prices.csv"))


@pytest.mark.parametrize("name", ["inner/prices.csv", "./inner/../inner/prices.csv"])
def test_relative_names_are_found(root: Path, name: str) -> None:
    """A relative name is looked for under the open folders."""
    assert (root / "inner" / "prices.csv").resolve() == FileAccess([root]).path(name)


def test_absolute_names_inside_are_found(root: Path) -> None:
    """An absolute name may be read if it lies inside an open folder."""
    path = root / "inner" / "prices.csv"
    assert path.resolve() == FileAccess([root]).path(str(path))


def test_the_roots_are_tried_in_turn(root: Path, tmp_path: Path) -> None:
    """The first open folder that has the file gives it."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "b.csv").write_text("b")
    assert (other / "b.csv").resolve() == FileAccess([root, other]).path("b.csv")


@pytest.mark.parametrize("name", ["../secret.txt", "inner/../../secret.txt", "/etc/passwd"])
def test_nothing_outside_may_be_read(root: Path, name: str) -> None:
    """No way of writing a name leads out of the open folders."""
    with pytest.raises(FileRefused, match="lies outside the folders"):
        FileAccess([root]).path(name)


def test_a_link_out_is_not_followed(root: Path, tmp_path: Path) -> None:
    """A link inside that leads outside is outside."""
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(FileRefused, match="lies outside the folders"):
        FileAccess([root]).path("link.txt")


@pytest.mark.parametrize("name", ["missing.csv", "inner", "", "."])
def test_what_is_no_file_is_missing(root: Path, name: str) -> None:
    """A folder, an empty name and a name without a file are all said to be no file."""
    with pytest.raises(FileRefused, match="there is no file"):
        FileAccess([root]).path(name)


def test_a_pipe_is_no_file(root: Path) -> None:
    """What would make the reader wait for ever is no file."""
    os.mkfifo(root / "pipe")
    with pytest.raises(FileRefused, match="there is no file"):
        FileAccess([root]).path("pipe")


def test_links_in_a_circle_are_refused(root: Path) -> None:
    """A name that no system can follow is a clear error."""
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")
    with pytest.raises(FileRefused):
        FileAccess([root]).path("a/x.csv")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x" * 5000, "x" * 100 + "…"),
        ("a\0b", r"a\x00b"),
        ("\ud800.csv", r"\ud800.csv"),
        ("y/" * 50_000, "y/" * 50 + "…"),
    ],
)
def test_names_that_no_system_has_are_refused(root: Path, name: str, shown: str) -> None:
    """A name that is too long or cannot be written is a clear error, and not repeated whole."""
    with pytest.raises(FileRefused, match=re.escape(f"the file '{shown}' cannot be reached: ")):
        FileAccess([root]).path(name)


@pytest.mark.parametrize("roots", [True, False])
@pytest.mark.parametrize("name", ["../" + "x" * 5_000, "x" * 5_000, "missing", "/etc/passwd"])
def test_a_refusal_is_short_and_says_what_to_do(root: Path, name: str, *, roots: bool) -> None:
    """However long the name is; in both languages."""
    with pytest.raises(FileRefused) as caught:
        FileAccess([root] if roots else []).path(name)
    for language in ("en", "es"):
        assert 300 + len(str(root)) > len(caught.value.text(language))
        assert caught.value.hint(language)
