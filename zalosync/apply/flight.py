"""Posts sealed batches from a few threads; the threads do nothing else."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Protocol

from zalosync.provider import Exchange, Failure

Submit = Callable[[bytes], Exchange]
Fence = Callable[[], bool]


class Flight(Protocol):
    """What is in the air. Tickets are the caller's numbers."""

    def post(self, ticket: int, body: bytes, fence: Fence) -> None:
        """Start one POST, if the fence still lets it right before the wire."""
        ...

    def landed(self, timeout: float) -> list[tuple[int, Exchange | None]]:
        """Answers that came, within at most `timeout` seconds; None where the fence refused."""
        ...


class Threads:
    """A few threads that POST. They end with the process: nobody waits for an answer given up on.

    (A `ThreadPoolExecutor` would: the interpreter joins its threads before it exits, for as long as the
    request's time-out, and a CI system that cancels a job kills it long before.)

    Args:
        submit: makes one POST and tells what came of it; never raises for anything of the network.
        width: how many requests may be in flight.

    Attributes:
        bug: what `submit` raised, against its promise: then nothing is known of that request.
    """

    def __init__(self, submit: Submit, width: int) -> None:
        self._submit = submit
        self._width = width
        self._waiting: SimpleQueue[tuple[int, bytes, Fence] | None] = SimpleQueue()
        self._landed: SimpleQueue[tuple[int, Exchange | None]] = SimpleQueue()
        self._flying = 0
        self._threads = 0
        self.bug: Exception | None = None

    def post(self, ticket: int, body: bytes, fence: Fence) -> None:
        """Start one POST, in a thread that has none."""
        assert self._flying < self._width
        self._flying += 1
        if self._threads < self._flying:  # starting one costs as much as sending ten messages
            self._threads += 1
            name = f"zalosync-post-{self._threads}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        self._waiting.put((ticket, body, fence))

    def landed(self, timeout: float) -> list[tuple[int, Exchange | None]]:
        """Wait for at least one answer, but no longer than `timeout` seconds."""
        found: list[tuple[int, Exchange | None]] = []
        try:
            while self._flying:
                found.append(self._landed.get(timeout=0.0 if found else timeout))
                self._flying -= 1
        except Empty:
            pass
        return found

    def close(self) -> None:
        """Let the threads end, each when it has nothing in the air."""
        for _ in range(self._threads):
            self._waiting.put(None)

    def _work(self) -> None:
        while (given := self._waiting.get()) is not None:
            self._fly(*given)

    def _fly(self, ticket: int, body: bytes, fence: Fence) -> None:
        try:
            exchange = self._submit(body) if fence() else None
        except Exception as error:  # noqa: BLE001 - a bug must not leave the run waiting for this answer
            self.bug, exchange = error, Exchange(failure=Failure.CONNECT)
        self._landed.put((ticket, exchange))
