"""Worker processes are started so that signals to the whole process group stay their parent's business."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_OURS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals back in this thread; a process started meanwhile never hears them.

    Ctrl-C in a terminal and a cancelled CI job reach every process of the group. A worker that died of it
    would break the pool, and the run with it, before the parent can stop in order.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _OURS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
