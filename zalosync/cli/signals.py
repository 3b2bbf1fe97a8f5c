"""Where a signal may not raise, it comes again a moment later."""

import os
import threading
from types import FrameType

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
            again = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return True
        frame = frame.f_back
    return False
