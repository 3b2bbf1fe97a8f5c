"""Where a signal may not raise, or what it raised is passed over, it comes again a moment later."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# SQLite asks this of us in the middle of its own work. What is raised there never arrives: it would be taken
# for a refusal, and a sound ledger called unreadable.
_DEAF = ("zalosync.ledger.dialect", "authorize")
_AGAIN_SECONDS = 0.01


def comes_again(number: int, frame: FrameType | None) -> bool:
    """Whether a signal met a place where an exception is lost; it is sent once more then.

    Args:
        number: of the signal.
        frame: that it interrupted.
    """
    while frame is not None:
        if (frame.f_globals.get("__name__"), frame.f_code.co_name) == _DEAF:
            _again(number)
            return True
        frame = frame.f_back
    return False


@contextmanager
def none_lost() -> Iterator[None]:
    """Send a signal once more where Python passes over what its handler raised.

    It does so in finalizers and in callbacks of weak references, as when the lock of an imported module is
    freed. The command would go on otherwise, and send what it was asked not to.
    """
    before = sys.unraisablehook

    def passed_over(what: "UnraisableHookArgs") -> None:
        if isinstance(what.exc_value, KeyboardInterrupt):
            _again(next(iter(what.exc_value.args), signal.SIGINT))
        else:
            before(what)

    sys.unraisablehook = passed_over
    try:
        yield
    finally:
        sys.unraisablehook = before


def _again(number: int) -> None:
    again = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()
