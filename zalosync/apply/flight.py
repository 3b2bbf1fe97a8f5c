"""Posts sealed batches from a few threads; the threads do nothing else."""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol

from zalosync.provider import Exchange

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
    """A few threads with one POST each.

    Args:
        submit: makes one POST and tells what came of it; never raises for anything of the network.
        width: how many requests may be in flight.
    """

    def __init__(self, submit: Submit, width: int) -> None:
        self._submit = submit
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="zalosync-post")
        self._flying: dict[Future[Exchange | None], int] = {}

    def post(self, ticket: int, body: bytes, fence: Fence) -> None:
        """Start one POST in a free thread."""
        self._flying[self._pool.submit(self._fly, body, fence)] = ticket

    def landed(self, timeout: float) -> list[tuple[int, Exchange | None]]:
        """Wait for at least one answer, but no longer than `timeout` seconds."""
        if not self._flying:
            return []
        done, _ = wait(self._flying, timeout=timeout, return_when=FIRST_COMPLETED)
        return [(self._flying.pop(future), future.result()) for future in done]

    def close(self) -> None:
        """Let go of the threads; what is still in the air is the caller's to call unknown."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _fly(self, body: bytes, fence: Fence) -> Exchange | None:
        return self._submit(body) if fence() else None
