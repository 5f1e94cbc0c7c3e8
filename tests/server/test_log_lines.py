"""How the log is written."""

from __future__ import annotations

import subprocess
import sys

HEAD = "import logging; from caudal_server.logs import configure_logs; configure_logs('debug'); "


def logged(code: str) -> str:
    """What a program of its own logs."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stderr


def test_what_is_logged_commands_no_terminal() -> None:
    """Control characters that came with a text are shown as such, in tracebacks too."""
    said = logged(
        "log = logging.getLogger('x')\nlog.warning('a %s', '\\x1b]0;pwn\\x07')\n"
        "try:\n    raise ValueError('\\x9b')\nexcept ValueError:\n    log.exception('b')"
    )
    assert r"a \x1b]0;pwn\x07" in said
    assert r"ValueError: \x9b" in said
    assert not {"\x1b", "\x07", "\x9b"} & set(said)


def test_no_password_of_a_url_is_logged() -> None:
    """The library that asks an application for workflows writes whole URLs: it is not heard."""
    said = logged("logging.getLogger('httpx2').info('GET %s', 'https://u:hush@host/7')")
    assert "" == said
