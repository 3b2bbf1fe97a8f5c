"""Where a signal may not raise, it comes again a moment later."""

import os
import threading
from types import FrameType

# Where what is raised never arrives. SQLite asks the first of us in the middle of its own work: it would be
# taken for a refusal, and a sound ledger called unreadable. The others are called as the lock of a module is
# freed: what they raise is passed over, and the command would go on, and send.
_DEAF = frozenset(
    (("zalosync.ledger.dialect", "authorize"), ("importlib._bootstrap", "cb"), ("_frozen_importlib", "cb"))
)
_AGAIN_SECONDS = 0.01


def comes_again(number: int, frame: FrameType | None) -> bool:
    """Whether a signal met a place where an exception is lost; it is sent once more then.

    Args:
        number: of the signal.
        frame: that it interrupted.
    """
    while frame is not None:
        if (frame.f_globals.get("__name__"), frame.f_code.co_name) in _DEAF:
            again = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), number))
            again.daemon = True
            again.start()
            return True
        frame = frame.f_back
    return False
