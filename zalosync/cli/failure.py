"""What a failed command says on stderr, and the code it exits with."""

import os
import sqlite3
import sys
import traceback

import click

from zalosync.console.display import display
from zalosync.console.hints import spelled
from zalosync.errors import ExitCode, Interrupted, SpecError, UsageError, ZalosyncError

_OUTPUT = 1  # the descriptor of standard output
LONGEST = 4000  # characters of one line; a column list or a path may be long


def report_failure(error: BaseException, *, as_json: bool = False) -> ExitCode:
    """Print one line (all problems of a spec error, a line each) and give the exit code.

    With `as_json` stdout gets a document too, where the command has printed none.
    """
    error = _counts(error)
    if as_json:
        _document(error)
    return _report(error)


def _counts(error: BaseException) -> BaseException:
    """Of errors that came together, the one to tell of: a signal before all others.

    A lock that is being taken when a signal comes tells of both in a group: without this, an internal error.
    """
    while isinstance(error, BaseExceptionGroup):
        signals = error.subgroup((KeyboardInterrupt, Interrupted))
        error = (error if signals is None else signals).exceptions[0]
    return error


def _document(error: BaseException) -> None:
    from zalosync.console import documents

    told = UsageError(error.format_message()) if isinstance(error, click.ClickException) else error
    if isinstance(told, ZalosyncError) and not documents.written():
        documents.write(documents.error_document(told))
        sys.stdout.flush()


def _report(error: BaseException) -> ExitCode:
    if isinstance(error, SpecError):
        from zalosync.console.problems import source_lines

        for problem in error.problems:
            _say(f"error: {problem}")
            for line in source_lines(problem):
                click.echo(line, err=True)
        count = len(error.problems)
        _say(f"{count} problem{'s' if count != 1 else ''}; `zalosync explain CODE` says more about each")
        return error.exit_code
    if isinstance(error, ZalosyncError):
        code = f" [{error.code}]" if error.code else ""
        _say(f"error: {error}{code}")
        return error.exit_code
    if isinstance(error, click.exceptions.Exit):
        return ExitCode(error.exit_code)
    if isinstance(error, click.ClickException):
        # click exits 2 for usage errors, which here means: there are changes to send.
        error.show()
        return ExitCode.USAGE
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        _say("stopped by a signal; nothing is in flight")
        return ExitCode.INTERRUPTED
    if isinstance(error, OSError) and not error.filename and _output_is_full():
        silence_output()
        _say(f"error: the output cannot be written: {error.strerror}; what was done before is done")
        return ExitCode.STOPPED
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        _say(f"error: {place}{error.strerror}; nothing was lost: mend it and run the command again")
        return ExitCode.LEDGER if isinstance(error.__cause__, sqlite3.Error) else ExitCode.USAGE
    return _bug(error)


def silence_output() -> None:
    """Let nothing more go to standard output: who reads it is gone, or its disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), _OUTPUT)


def _output_is_full() -> bool:
    """Whether it was standard output that failed: then one more line fails, too."""
    try:
        os.write(_OUTPUT, b"\n")
    except OSError:
        return True
    return False


def _bug(error: BaseException) -> ExitCode:
    """A bug of ours: name the place, and show the traceback only where it is asked for.

    Local values never show; the message of a foreign exception might quote one, so its type has to do.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "unknown place"  # noqa: PTH119
    _say(
        f"internal error: {type(error).__name__} at {place}; nothing more was sent. "
        "Run again with ZALOSYNC_TRACEBACK=1 and report what it prints"
    )
    if os.environ.get("ZALOSYNC_TRACEBACK"):
        for frame in traceback.format_tb(error.__traceback__):
            for line in frame.splitlines():
                _say(line)
    return ExitCode.INTERNAL


def _say(line: str) -> None:
    """One line, whatever stands in it: names of files and the like are other people's text."""
    sys.stderr.write(spelled(display(line, LONGEST)) + "\n")
