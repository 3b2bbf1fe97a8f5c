"""Worker processes: signals to the whole group stay their parent's business, and its end is theirs."""

import gc
import os
import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection, parent_process
from multiprocessing.context import SpawnContext, SpawnProcess

MEMORY = 2 * 2**30  # bytes of a worker: several times what the largest chunk of rows and values takes
_OURS = (signal.SIGINT, signal.SIGTERM)
_THREADS = "POLARS_MAX_THREADS"  # Polars reads it when it is imported


class Worker(SpawnProcess):
    """A process that is ended for certain: signals that would ask it to are held back for its whole life."""

    def terminate(self) -> None:
        """End it. A pool does so to all others where one has died, and waits for them to be gone."""
        self.kill()


class Workers(SpawnContext):
    """How worker processes are started: anew, with nothing of this one's threads and locks."""

    Process = Worker


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


@contextmanager
def workers_starting() -> Iterator[None]:
    """As `signals_held`, for processes that compute in columns: one thread each, as each core has one."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        with signals_held():
            yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


def become_worker(memory: int = MEMORY) -> None:
    """Make this process a worker: it knows nothing of the caller's environment, and outlives nobody.

    A parent that is killed cannot tell its workers to end; left alone they would wait for ever. Nor does it
    leave a core file, which would hold people's data.

    Args:
        memory: bytes that it may take, whatever an audience and templates make of it.
    """
    gc.freeze()  # what is imported lives as long as the process: it is not to be looked through at its end
    os.environ.clear()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    threading.Thread(target=_end_with_parent, name="zalosync-parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
