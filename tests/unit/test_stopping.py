"""Signals around the ends of a command: never a traceback, always a documented code."""

import _imp
import signal
import sqlite3
import sys
import threading
from importlib import _bootstrap
from types import SimpleNamespace

import pytest

from zalosync.cli import main as command
from zalosync.errors import ExitCode
from zalosync.ledger import dialect


@pytest.fixture(autouse=True)
def _handlers() -> object:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def ended(monkeypatch: pytest.MonkeyPatch, **root: object) -> object:
    """How a command ends whose work is this."""
    monkeypatch.setattr(command, "root", SimpleNamespace(**root))
    with pytest.raises(SystemExit) as end:
        command.main([])
    return end.value.code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_end_is_said(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """A second signal, while the first is being reported, ends the command with 130 all the same."""

    def work(**_: object) -> int:
        monkeypatch.setattr(sys.stderr, "write", lambda _: signal.raise_signal(number))
        signal.raise_signal(number)
        raise AssertionError("the signal was not heard")

    assert ended(monkeypatch, main=work) == ExitCode.INTERRUPTED


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_after_the_end(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """Once the code is known, a signal changes nothing any more."""
    assert ended(monkeypatch, main=lambda **_: ExitCode.PLAN) == ExitCode.PLAN
    signal.raise_signal(number)


def test_what_runs_behind_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Ctrl-C is meant for others, it is not heard."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def work(**_: object) -> int:
        signal.raise_signal(signal.SIGINT)
        return ExitCode.CHANGES

    assert ended(monkeypatch, main=work) == ExitCode.CHANGES


class Signalling:
    """What SQLite's questions are held against; the first of them is met by a signal."""

    def __init__(self, number: signal.Signals) -> None:
        self.number: signal.Signals | None = number

    def __contains__(self, _asked: object) -> bool:
        number, self.number = self.number, None
        if number is not None:
            signal.raise_signal(number)
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_sqlite_asks(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    """It ends the command a moment later; it is never lost, nor taken for a damaged ledger."""
    connection = sqlite3.connect(":memory:")
    dialect.harden(connection)
    monkeypatch.setattr(dialect, "_FORBIDDEN", Signalling(number))
    read: list[object] = []

    def work(**_: object) -> int:
        read.extend(connection.execute("SELECT 1"))
        threading.Event().wait(10.0)
        return ExitCode.DONE

    assert ended(monkeypatch, main=work) == ExitCode.INTERRUPTED
    assert read == [(1,)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_module_s_lock_is_freed(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """What is raised there is passed over; the command would go on, and send what it was asked not to."""
    freed = _imp.acquire_lock

    def met() -> None:
        monkeypatch.setattr(_imp, "acquire_lock", freed)
        signal.raise_signal(number)
        freed()

    def work(**_: object) -> int:
        lock = _bootstrap._get_module_lock("zalosync.nothing")  # type: ignore[attr-defined]
        monkeypatch.setattr(_imp, "acquire_lock", met)
        del lock
        threading.Event().wait(10.0)
        return ExitCode.DONE

    assert ended(monkeypatch, main=work) == ExitCode.INTERRUPTED


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_something_is_finalized(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Of whatever, and whenever: the command ends a moment later, and nothing is printed of it."""

    class Finalized:
        def __del__(self) -> None:
            signal.raise_signal(number)

    def work(**_: object) -> int:
        Finalized()
        threading.Event().wait(10.0)
        return ExitCode.DONE

    hook = sys.unraisablehook
    assert ended(monkeypatch, main=work) == ExitCode.INTERRUPTED
    assert sys.unraisablehook is hook
