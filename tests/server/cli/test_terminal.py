"""What commands write where the other end is no ordinary one."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from tests.server.cli.command import Document, caudal, doubling, node, saved
from tests.server.cli.process import CAUDAL, LONGEST

from caudal_server.cli.terminal import print_table, show

linux = pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is a device of Linux")

HOSTILE = "\x1b]0;pwn\x07\x9b31m"
SHOWN = r"\x1b]0;pwn\x07\x9b31m"


def shell(command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """What a shell does with `caudal …` and its redirections."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$CAUDAL" {command}'],
        env={"CAUDAL": str(CAUDAL), **env},
        capture_output=True,
        encoding="utf-8",
        timeout=LONGEST,
        check=False,
    )


def hostile() -> Document:
    """A workflow that runs, with escape sequences wherever a text of its own is shown."""
    flow = doubling()
    flow["name"] = HOSTILE
    flow["nodes"][1]["label"] = HOSTILE
    flow["nodes"][1]["config"][HOSTILE] = 1
    return flow


@pytest.mark.parametrize(
    ("encoding", "command", "code", "escape"),
    [
        ("ascii", "check bad.json", 2, r"\u2717"),
        ("cp1252", "check bad.json", 2, r"\u2717"),
        ("latin-1", "serve --help", 0, r"CAUDAL_\u2026"),
    ],
)
def test_an_encoding_that_lacks_a_character_changes_nothing(
    encoding: str, command: str, code: int, escape: str
) -> None:
    """What an encoding cannot write is written as an escape; the exit code stays what it is."""
    saved({"nodes": [node("ñ", "nobody")]}, "bad.json")
    done = shell(f"{command} >out", PYTHONIOENCODING=encoding)
    assert (code, "") == (done.returncode, done.stderr)
    assert escape in Path("out").read_text(encoding=encoding)


@linux
@pytest.mark.parametrize(
    "command", ["run flow.json --input value=1", "check flow.json", "handlers", "--help"]
)
@pytest.mark.parametrize(
    ("redirection", "cause"),
    [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
)
def test_output_that_cannot_be_written_is_told(command: str, redirection: str, cause: str) -> None:
    """A full or closed standard output is one line on standard error, and exits with 1."""
    saved(doubling())
    done = shell(f"{command} {redirection}")
    assert 1 == done.returncode
    told = done.stderr.splitlines()[-1]
    assert f"✗ standard output cannot be written: {cause}; send it to another file with >" == told
    assert "Traceback" not in done.stderr


@linux
@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "2>&- <&-"])
def test_messages_that_nobody_can_read_are_lost(redirection: str) -> None:
    """A full or closed standard error keeps nothing from being done."""
    saved(doubling())
    done = shell(f"run flow.json --input value=1 {redirection}")
    assert (0, '{"value":1,"double":2}\n') == (done.returncode, done.stdout)


def test_a_reader_that_has_gone_is_not_told_of() -> None:
    """`caudal handlers | head -1` says nothing about the pipe."""
    done = shell("handlers | head -1")
    assert (0, "") == (done.returncode, done.stderr)


def test_closed_standard_input_holds_no_workflow() -> None:
    """A workflow from a standard input that is closed is invalid, like an empty one."""
    done = shell("run - <&-")
    assert 2 == done.returncode
    assert "standard input is not JSON" in done.stderr


def test_what_comes_from_a_workflow_commands_no_terminal() -> None:
    """Control characters in ids, labels and keys are shown as such: warnings, progress, errors."""
    flow = hostile()
    done = caudal("run", saved(flow), "--input", "value=1")
    assert f"the config key '{SHOWN}' is not known" in done.stderr
    assert f"✓ {SHOWN} (twice)" in done.stderr
    flow["nodes"][1]["config"]["expression"] = "[nowhere]"
    failed = caudal("run", saved(flow))
    assert f"✗ {SHOWN} (twice): unknown field" in failed.stderr
    for text in (done.stderr, failed.stderr):
        assert not {"\x1b", "\x07", "\x9b"} & set(text)


def test_problems_are_shown_a_line_each() -> None:
    """A type with escapes and line ends is shown within the one line of its problem."""
    done = caudal("check", saved({"nodes": [node("a", f"output{HOSTILE}\n✗ forged")]}))
    assert 2 == len(done.stdout.splitlines())
    assert f"'output{SHOWN}\\x0a✗ forged'" in done.stdout


def on_a_terminal(*args: str) -> str:
    """What `caudal ARGS` writes where both its streams are a terminal."""
    ours, theirs = os.openpty()
    with subprocess.Popen([CAUDAL, *args], stdout=theirs, stderr=theirs, stdin=theirs) as process:
        os.close(theirs)
        written = b""
        with os.fdopen(ours, "rb", buffering=0) as terminal, suppress(OSError):  # EIO: it has ended
            while part := terminal.read(65_536):
                written += part
        assert 0 == process.wait(LONGEST)
    return written.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_a_terminal_shows_what_it_would_obey() -> None:
    """In the live tree and in JSON on a terminal, the workflow's control characters are visible."""
    written = on_a_terminal("run", str(saved(hostile())), "--input", "value=1", "--input", "x=\x9b")
    assert SHOWN in written
    assert r"\u009b" in written
    assert not {"\x07", "\x9b"} & set(written)


def test_tables_and_lines_command_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a cell nor a heading does; a line end that was made stays one."""
    print_table([HOSTILE], [["\x1b[2J"]])
    show("first\nsecond\x1b")
    out = capsys.readouterr().out
    assert [SHOWN, r"\x1b[2J", "first", r"second\x1b"] == [
        line.strip() for line in out.splitlines()
    ]
