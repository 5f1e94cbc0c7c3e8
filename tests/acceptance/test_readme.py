"""What the READMEs tell a reader to type, typed: each `sh` block, over the server of `make run`."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from tests.acceptance import stranger
from tests.acceptance.serving import COMMAND
from tests.acceptance.stranger import HANDLER, ROOT, TEST
from tests.server.cli.process import LONGEST, running

from caudal_server.environment import variable_of
from caudal_server.settings import Settings

PAGES = ("README.md", "README.es.md")
SERVED = "localhost:8000"
_BLOCK = re.compile(r"^```sh\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_ASSIGNMENT = re.compile(r"(?P<name>[A-Z_]+)=.+")


def blocks(page: str) -> list[str]:
    """The text of each block of shell commands."""
    return [found["text"] for found in _BLOCK.finditer((ROOT / page).read_text(encoding="utf-8"))]


def commands(block: str) -> Iterator[list[str]]:
    """The words of each command; one may go on over several lines."""
    text = ""
    for line in block.replace("\\\n", " ").splitlines(keepends=True):
        text += line
        with suppress(ValueError):  # within a quotation
            words = shlex.split(text, comments=True)
            text = ""
            if words:
                yield words


@dataclass
class Curl:
    """What a `curl` command asks for."""

    url: str = ""
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None

    @classmethod
    def of(cls, words: list[str]) -> Curl:
        """The command of these words; an option that is not known here fails the test."""
        found, rest = cls(), iter(words)
        for word in rest:
            if word == "-X":
                found.method = next(rest)
            elif word == "-H":
                name, _, value = next(rest).partition(": ")
                found.headers[name] = value
            elif word == "-d":
                found.body = next(rest)
            elif word != "-N":
                assert word.startswith(SERVED), f"curl {word}"
                found.url = f"http://{word}"
        return found


class Reader:
    """Somebody who types what stands there, into a checkout with a server at `url`."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.http = httpx2.Client(timeout=LONGEST)
        self.typed: list[str] = []
        self._url = url
        self._execution = ""
        (folder / "examples").symlink_to(ROOT / "examples")

    def type(self, words: list[str]) -> None:
        """Do what a command says; `AssertionError` if it does not do what it should."""
        name, *rest = words
        self.typed.append(name)
        if assignment := _ASSIGNMENT.fullmatch(name):
            assert assignment["name"] in map(variable_of, Settings.model_fields)
        elif name == "curl":
            self._ask(Curl.of(rest))
        else:
            assert ".venv/bin/caudal" == name
            self._run(rest)

    def _ask(self, asked: Curl) -> None:
        url = asked.url.replace(f"http://{SERVED}", self._url).replace("/ID", f"/{self._execution}")
        answer = self.http.request(
            asked.method, url, headers=asked.headers, content=asked.body or None
        )
        assert answer.is_success, f"{asked.method} {asked.url}: {answer.status_code} {answer.text}"
        if asked.url.partition("?")[0].endswith("/execute"):
            self._execution = answer.json()["executionId"]
            waited = "wait=" in asked.url
            assert ("completed" if waited else "pending") == answer.json()["status"]

    def _run(self, words: list[str]) -> None:
        *words, arrow, file = words
        assert ">" == arrow
        with (self.folder / file).open("wb") as output:
            subprocess.run(
                [COMMAND, *words], cwd=self.folder, stdout=output, check=True, timeout=LONGEST
            )
        assert json.loads((self.folder / file).read_bytes())


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the server that `make run` starts."""
    assert "\trun: setup" not in (ROOT / "Makefile").read_text(encoding="utf-8")
    folder = tmp_path_factory.mktemp("readme")
    with running("demo", "--port", "0", folder=folder, TMPDIR=folder) as demo:
        yield demo.until(r"Open (http://localhost:\d+)/docs")
        assert 0 == demo.interrupt()


@pytest.mark.parametrize("page", PAGES)
def test_every_command_works(page: str, url: str, tmp_path: Path) -> None:
    """Each call is answered with 2xx, each run prints JSON, and each variable is a setting."""
    reader = Reader(tmp_path, url)
    with reader.http:
        for block in blocks(page):
            for words in commands(block):
                reader.type(words)
    calls = re.findall(r"^curl ", "".join(blocks(page)), re.MULTILINE)
    assert 9 <= len(calls) == reader.typed.count("curl")
    assert 1 == reader.typed.count(".venv/bin/caudal")


def test_both_languages_have_the_same_examples() -> None:
    """The commands differ in the words of their languages alone: as many, and the same calls."""
    found = [[words for block in blocks(page) for words in commands(block)] for page in PAGES]
    shape = [[[word for word in words if word[0] in "-."] for words in page] for page in found]
    assert shape[0] == shape[1]


@pytest.mark.parametrize(
    ("page", "said"), [("README.md", "have {} lines"), ("README.es.md", "tienen {} líneas")]
)
def test_the_length_of_a_handler_is_said(page: str, said: str) -> None:
    """How many lines a handler and its test have is what they have."""
    files = stranger.files()
    lines = len(files[HANDLER].splitlines()) + len(files[TEST].splitlines())
    assert said.format(lines) in (ROOT / page).read_text(encoding="utf-8")
