"""Programs beside Python that some tests need. Without one a test is skipped, and fails in CI."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import pytest

POSTGRES = "host=127.0.0.1 port=5432 user=postgres dbname=test connect_timeout=2"
BINARIES = Path("/usr/lib/postgresql")


def need(program: str) -> str:
    """The path of a program; without it the test is skipped, and fails where CI is `true`."""
    found = shutil.which(program)
    return found if found is not None else missing(f"{program} is not installed")


def missing(reason: str) -> NoReturn:
    """Skip with a reason; in CI nothing is skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and in CI nothing is skipped")
    pytest.skip(reason)


def need_module(name: str) -> Any:
    """A module; without it the test is skipped, and fails where CI is `true`."""
    try:
        return import_module(name)
    except ImportError as error:
        missing(f"{name} cannot be imported: {error}")


@contextmanager
def postgres() -> Iterator[str]:
    """How to reach a PostgreSQL: that of `CAUDAL_TEST_POSTGRES`, the machine's, or one of our own.

    The text is libpq's `host=… port=… user=… dbname=…`.
    """
    for given in filter(None, (os.environ.get("CAUDAL_TEST_POSTGRES"), POSTGRES)):
        if _answers(given):
            yield given
            return
    with own_postgres() as found:
        yield found.address


def _answers(address: str) -> bool:
    import psycopg

    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


class OwnPostgres:
    """A server in a folder, at a free port; as the user that its package made."""

    def __init__(self, binaries: Path, folder: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        as_user: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            as_user = ["runuser", "-u", "postgres", "--"]
        data, self._log = str(Path(folder) / "data"), str(Path(folder) / "log")
        self._options = f"-h 127.0.0.1 -p {self.port} -k {folder}"
        self._control = [*as_user, str(binaries / "pg_ctl"), "-D", data, "-w"]
        create = [*as_user, str(binaries / "initdb"), "-D", data, "-A", "trust", "-U", "postgres"]
        _run(create)
        self.start()

    @property
    def address(self) -> str:
        """How to reach it, as libpq writes it."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres connect_timeout=5"

    @property
    def url(self) -> str:
        """The same as a URL."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it; returns once it answers."""
        _run([*self._control, "-o", self._options, "-l", self._log, "start"])

    def stop(self) -> None:
        """End it as a crash would."""
        _run([*self._control, "-m", "immediate", "stop"])


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A PostgreSQL of the test's own, which it may stop and start."""
    folders = sorted(BINARIES.glob("*/bin"))
    if not folders:
        missing("the binaries of PostgreSQL are not installed")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        made = OwnPostgres(folders[-1], folder)
        try:
            yield made
        finally:
            made.stop()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        missing(f"PostgreSQL does not start: {done.stderr or done.stdout}")
