"""What a failed command says: one line, the way out, its exit code; nothing personal, no cursor moved."""

import errno
import sqlite3

import click
import pytest

from zalosync import errors
from zalosync.cli.failure import report_failure
from zalosync.errors import PRECEDENCE, ExitCode, Place, Problem, SpecError, ZalosyncError, first_of

PHONE = "84977314159"
LEAVES = [
    (errors.InternalError, 1),
    (errors.Blocked, 3),
    (errors.PlanRefused, 4),
    (errors.StoppedEarly, 5),
    (errors.UnknownRemain, 6),
    (errors.LedgerError, 7),
    (errors.ProviderRefused, 8),
    (errors.UsageError, 64),
    (errors.Interrupted, 130),
]


def said(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """The exit code and the lines on stderr; nothing may be on stdout."""
    code = report_failure(error)
    out, err = capsys.readouterr()
    assert out == ""
    return int(code), err.splitlines()


@pytest.mark.parametrize(("leaf", "code"), LEAVES)
def test_each_leaf(leaf: type[ZalosyncError], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Every error of ours is one line with its way out and its code, and exits as the table says."""
    error = leaf("what is wrong", fix="what to do", code="ZS999")
    assert said(error, capsys) == (code, ["error: what is wrong; what to do [ZS999]"])
    assert said(leaf("what is wrong"), capsys) == (code, ["error: what is wrong"])


def test_every_problem_of_a_spec(capsys: pytest.CaptureFixture[str]) -> None:
    """All problems are told, in the order of their places, with where, what, what is allowed and meant."""
    first = Problem("ZS101", Place("a.yaml", 3, 7), "spec.x", "no such key", "y", "x, z", "x")
    second = Problem("ZS102", Place("a.yaml", 1, 1), "", "empty")
    code, lines = said(SpecError([first, second]), capsys)
    assert code == ExitCode.SPEC
    assert lines[0] == "error: a.yaml:1:1: empty [ZS102]"
    assert lines[1] == (
        "error: a.yaml:3:7: spec.x: no such key; found y; allowed: x, z; did you mean `x`? [ZS101]"
    )
    assert lines[2].startswith("2 problems;")
    assert str(SpecError([first, second])).endswith("(and 1 more)")
    assert said(SpecError([first]), capsys)[1][-1].startswith("1 problem;")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort(), KeyboardInterrupt(15)])
def test_signals(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    """A signal outside of a run ends with 130 and a word."""
    code, lines = said(error, capsys)
    assert (code, len(lines)) == (130, 1)


def test_errors_that_came_together(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a group, as a lock gives when a signal meets its taking, the signal is told, else the first."""
    locked, signal = errors.LedgerError("locked"), KeyboardInterrupt(15)
    stopped = BaseExceptionGroup("both", [OSError("closed"), signal])
    for group in (stopped, BaseExceptionGroup("outer", [locked, stopped])):
        assert said(group, capsys)[0] == ExitCode.INTERRUPTED
    told = ExceptionGroup("ours", [locked, errors.Interrupted("stopped")])
    assert said(told, capsys) == (ExitCode.INTERRUPTED, ["error: stopped"])
    assert said(ExceptionGroup("none", [locked, OSError("closed")]), capsys) == (
        ExitCode.LEDGER,
        ["error: locked"],
    )


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Usage errors exit 64, never 2, which means that there is something to send."""
    assert said(click.UsageError("no such option"), capsys)[0] == 64
    assert said(click.BadParameter("not a number"), capsys)[0] == 64


def test_exit(capsys: pytest.CaptureFixture[str]) -> None:
    """A command that ended by itself keeps its code."""
    assert said(click.exceptions.Exit(0), capsys) == (0, [])


def test_files(capsys: pytest.CaptureFixture[str]) -> None:
    """What the system refuses is one line with the file, not a traceback."""
    code, lines = said(PermissionError(errno.EACCES, "Permission denied", "x.csv"), capsys)
    assert code == 64
    assert lines == ["error: x.csv: Permission denied; nothing was lost: mend it and run the command again"]
    full = OSError(errno.ENOSPC, "No space left on device")
    assert said(full, capsys)[1][0].startswith("error: No space left on device")
    full.__cause__ = sqlite3.OperationalError("disk I/O error")
    assert said(full, capsys)[0] == ExitCode.LEDGER


def bug() -> None:
    """Fail with something personal at hand."""
    phone = PHONE
    raise ValueError(f"cannot read {phone}")


@pytest.mark.parametrize("traceback", [False, True])
def test_bugs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *, traceback: bool
) -> None:
    """A bug names its kind and place, and on request its way; never its words or its values."""
    if traceback:
        monkeypatch.setenv("ZALOSYNC_TRACEBACK", "1")
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - any will do
        bug()
    code, lines = said(caught.value, capsys)
    assert code == 1
    assert lines[0].startswith("internal error: ValueError at test_failure.py:")
    assert (len(lines) > 1) is traceback
    assert PHONE not in "".join(lines)
    assert said(ValueError(PHONE), capsys)[1][0].startswith("internal error: ValueError at unknown place")


@pytest.mark.parametrize(
    "nasty",
    ["\x1b[2J\x1b[H", "\rerror: nothing", "\nok: all sent", "\u202etxt.yaml", "\x9b31m", "\u2028x", "\x07"],
)
def test_foreign_text_moves_nothing(nasty: str, capsys: pytest.CaptureFixture[str]) -> None:
    """File names and the like cannot move the cursor, add a line or turn the writing around."""
    problem = Problem("ZS101", Place(f"camp{nasty}aign.yaml"), "spec", "wrong", found=nasty)
    for error in (
        SpecError([problem]),
        errors.UsageError(f"there is no {nasty}"),
        PermissionError(errno.EACCES, "Permission denied", f"x{nasty}.csv"),
    ):
        _, lines = said(error, capsys)
        assert not [line for line in lines if not line.isprintable()]
        assert len(lines) <= 2


def test_precedence() -> None:
    """When several codes hold, the first of 7, 6, 130, 5, 8, 4, 3, 2 is the one; then whatever there is."""
    assert [int(code) for code in PRECEDENCE] == [7, 6, 130, 5, 8, 4, 3, 2]
    for place, code in enumerate(PRECEDENCE):
        assert first_of(*reversed(PRECEDENCE[place:]), ExitCode.DONE) is code
    assert first_of() is ExitCode.DONE
    assert first_of(0, 64) is ExitCode.USAGE
    assert first_of(0, 0) is ExitCode.DONE
