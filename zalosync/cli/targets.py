"""Files that commands write anew: only what such a command wrote is replaced, never a person's work."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from zalosync.errors import UsageError

_LOOK = 64  # bytes from which a file is known
_ZIP = b"PK\x03\x04"
_PAGE = b"<!doctype html"


def check_plan(path: Path) -> None:
    """A sealed plan may go to this place.

    Raises:
        UsageError: something else is there, or there is no such folder.
    """
    from zalosync.plan.bundle import HEADER

    name = HEADER.encode()
    _check(path, "a sealed plan", "--output", lambda data: data.startswith(_ZIP) and name in data)


def check_skips(path: Path) -> None:
    """A list of skipped rows may go to this place. Raises as `check_plan`; what ends it tells its form."""
    from zalosync.plan.skips import COLUMNS

    heads = {".csv": ",".join(f'"{name}"' for name in COLUMNS), ".jsonl": f'{{"{COLUMNS[0]}": '}
    if path.suffix not in heads:
        raise UsageError(f"the form of {path.name} is not known", fix="name it .csv or .jsonl")
    head = heads[path.suffix].encode()
    _check(path, "a list of skipped rows", "--skips", lambda data: data.startswith(head))


def check_page(path: Path) -> None:
    """A report may go to this place. Raises as `check_plan`."""
    _check(path, "a report", "--output", lambda data: data.lower().startswith(_PAGE))


def _check(path: Path, what: str, option: str, known: Callable[[bytes], bool]) -> None:
    if not path.parent.is_dir():
        raise UsageError(
            f"there is no folder for {path}", fix=f"make it, or name another place with {option}"
        )
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written anew: {error.strerror}", fix=f"name another place with {option}"
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        data = file.read(_LOOK) if regular else b"-"
    if data and not (regular and known(data)):
        raise UsageError(
            f"{path} is there and is not {what}: it is not overwritten",
            fix=f"name another place with {option}, or remove it",
        )
