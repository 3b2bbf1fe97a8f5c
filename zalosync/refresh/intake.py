"""Pushed reports on their way to the disk: many pushes share one commit, made by a thread of its own."""

import queue
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Self

from zalosync.clock import Clock
from zalosync.errors import LedgerError
from zalosync.refresh.inbox import LIMIT, Inbox
from zalosync.refresh.sift import Sifted

MOST_PENDING = 20_000  # reports in memory that are not on the disk yet
MOST_IN_ONE = 256  # pushes that share a commit
LOOK_SECONDS = 1.0
# For another process to let go of the file. A commit asks for it three times (to count, to begin, to end),
# and a push may come behind another commit: six of these must end before the caller's patience does.
BUSY_SECONDS = 4.0
_Push = tuple[Sifted, "Future[None]"]


class Full(Exception):
    """There is no room for more reports; the provider pushes them again later."""


class Intake:
    """Takes reports and says when they are durable. A context manager.

    Args:
        path: of the inbox.
        clock: for times.
        limit: reports that may wait in the inbox.
    """

    def __init__(self, path: Path, clock: Clock, limit: int = LIMIT) -> None:
        self._path = path
        self._clock = clock
        self._limit = limit
        self._queue: queue.SimpleQueue[_Push | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending = 0
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._ready: Future[None] = Future()
        self.waiting = 0  # reports in the inbox, at the last commit
        self.stored = 0  # reports that were new
        self.repeated = 0  # and those that lay in the inbox already
        self.failure = ""  # why the last commit failed, or empty

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()

    def put(self, sifted: Sifted) -> "Future[None]":
        """Hand over reports; the future is done once they are on the disk.

        Raises:
            Full: as the future's exception, or at once where too many are on their way.
            LedgerError: as the future's exception, where the disk will not have them.
        """
        count = len(sifted.ours) + len(sifted.aside)
        with self._lock:
            if self._pending + count > MOST_PENDING:
                raise Full
            self._pending += count
        future: Future[None] = Future()
        self._queue.put((sifted, future))
        return future

    @property
    def healthy(self) -> bool:
        """Whether pushes can be taken."""
        return self._thread.is_alive() and not self.failure and self.waiting < self._limit

    def _run(self) -> None:
        try:
            with Inbox(self._path, busy=BUSY_SECONDS) as inbox:
                self.waiting = inbox.size
                self._ready.set_result(None)
                self._take(inbox)
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    def _take(self, inbox: Inbox) -> None:
        """Commit what comes, as much as there is at a time, until the end is said."""
        while True:
            try:
                first = self._queue.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                self._look(inbox)
                continue
            if first is None:
                return
            together = [first]
            ended = False
            while len(together) < MOST_IN_ONE and not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    ended = True
                    break
                together.append(more)
            self._commit(inbox, together)
            if ended:
                return

    def _look(self, inbox: Inbox) -> None:
        """While nothing comes: how many wait by now, since others merge them."""
        try:
            self.waiting, self.failure = inbox.size, ""
        except LedgerError as error:
            self.failure = error.message

    def _commit(self, inbox: Inbox, together: list[_Push]) -> None:
        """One transaction for all of them; those for which there is no room are told so.

        A push whose caller gave up is stored like any other. It was answered with 503 and comes again, which
        costs little once its reports lie here; left out, it could be late again each time, for as long as the
        disk is slow.
        """
        for _, future in together:
            future.set_running_or_notify_cancel()  # from here on nobody can give up
        taken: list[_Push] = []
        outcome: LedgerError | None = None
        try:
            self.waiting = inbox.size
            room = self._limit - self.waiting
            for sifted, future in together:
                if len(sifted.ours) <= room:
                    room -= len(sifted.ours)
                    taken.append((sifted, future))
                else:
                    _tell(future, Full())
            new = inbox.add_all([sifted for sifted, _ in taken], int(self._clock.now().timestamp()))
            self.waiting += new
            self.stored += new
            self.repeated += sum(len(sifted.ours) for sifted, _ in taken) - new
            self.failure = ""
        except LedgerError as error:
            self.failure = error.message
            outcome = error
        with self._lock:
            self._pending -= sum(len(each.ours) + len(each.aside) for each, _ in together)
        for _, future in taken or together:
            _tell(future, outcome)


def _tell(future: "Future[None]", error: Exception | None) -> None:
    """Say once what became of a push; not to who gave up: that is an error, and would end the thread."""
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
