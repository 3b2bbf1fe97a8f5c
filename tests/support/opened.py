"""Whether each connection to a SQLite file was closed: from Python 3.13 on one that was not is warned of."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def all_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """At least one connection is opened in here, and none is left open."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remembered(*arguments: Any, **named: Any) -> sqlite3.Connection:
        opened.append(connect(*arguments, **named))
        return opened[-1]

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", remembered)
        yield
    assert opened
    assert not any(map(_is_open, opened))


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.total_changes  # noqa: B018 - asked for what it raises
    except sqlite3.ProgrammingError:
        return False
    connection.close()
    return True
