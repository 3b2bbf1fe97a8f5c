"""The batches of a run that have not started: which of them may, and what keeps the others."""

from collections import deque
from collections.abc import Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from zalosync.apply.batch import Batch
from zalosync.apply.breaker import FIRST, Tries
from zalosync.apply.ports import Seals
from zalosync.apply.seal import Order
from zalosync.clock import Clock

LONGEST_WAIT = timedelta(minutes=15)  # for a slot, under the ledger's lock: refresh and others want it too


@dataclass(frozen=True, slots=True)
class Ready:
    """A batch that may start: its body is made."""

    batch: Batch[Order]
    body: bytes
    tries: Tries = FIRST


@dataclass(frozen=True, slots=True)
class _Sealing:
    """A batch whose body is being made, or is there and waits for its slot."""

    batch: Batch[Order]
    body: Future[bytes]
    tries: Tries = FIRST


class Line:
    """Batches in the order in which they start; those that are tried again come first.

    Args:
        sealer: makes their bodies.
        clock: for slots and ends.

    Attributes:
        paused: campaigns that somebody paused, of which something was to start.
        expired: campaigns whose `expiresAt` passed before all of them started.
        later: campaigns whose next slot is too far off to be waited for, and when it begins.
    """

    def __init__(self, sealer: Seals, clock: Clock) -> None:
        self._sealer = sealer
        self._clock = clock
        self._sealing: deque[_Sealing] = deque()
        self._again: deque[Ready] = deque()
        self._exhausted = False
        self.paused: set[str] = set()
        self.expired: set[str] = set()
        self.later: dict[str, datetime] = {}

    @property
    def waits(self) -> bool:
        """Whether any batch is in line."""
        return bool(self._again or self._sealing)

    @property
    def repeats(self) -> bool:
        """Whether any batch is to be tried again."""
        return bool(self._again)

    @property
    def drained(self) -> bool:
        """Whether nothing is left to start, now or later."""
        return self._exhausted and not self.waits

    @property
    def next_slot(self) -> datetime | None:
        """When the first batch may start that we pace ourselves."""
        return self._sealing[0].batch.earliest if self._sealing else None

    def fill(self, batches: Iterator[Batch[Order]], ahead: int) -> None:
        """Keep so many bodies in the making."""
        while not self._exhausted and len(self._sealing) < ahead:
            batch = next(batches, None)
            if batch is None:
                self._exhausted = True
            else:
                self._sealing.append(_Sealing(batch, self._sealer.seal(batch)))

    def again(self, batch: Batch[Order], body: bytes, tries: Tries) -> None:
        """A batch that was proven not sent is to be tried once more, before the others."""
        self._again.append(Ready(batch, body, tries))

    def leave(self) -> None:
        """Let go of a campaign whose next slot is far off: the night is not waited for under the lock."""
        head = self._sealing[0].batch if self._sealing else None
        if head is None or head.earliest is None or head.earliest - self._clock.now() <= LONGEST_WAIT:
            return
        name = head.order.name
        self.later.setdefault(name, head.earliest)
        self._sealing = deque(each for each in self._sealing if each.batch.order.name != name)

    def start(self, room: int, paused: Collection[str], *, idle: bool) -> list[Ready]:
        """Take out the batches that may start now.

        Args:
            room: how many at the most.
            paused: campaigns, by first name, of which none may.
            idle: whether nothing else is to be done than wait for a body that is not made yet.
        """
        starting: list[Ready] = []
        while len(starting) < room:
            ready = self._next(idle=idle and not starting)
            if ready is None:
                break
            order, now = ready.batch.order, self._clock.now()
            if ready.batch.missed(now):
                self._put_off(ready)
            elif order.first_name in paused:
                self.paused.add(order.name)
            elif order.expires_at is not None and order.expires_at <= now:
                self.expired.add(order.name)
            else:
                starting.append(ready)
        return starting

    def _next(self, *, idle: bool) -> Ready | None:
        if self._again:
            return self._again.popleft()
        if not self._sealing or self._too_early(self._sealing[0].batch):
            return None
        if not idle and not self._sealing[0].body.done():
            return None
        sealed = self._sealing.popleft()
        return Ready(sealed.batch, sealed.body.result(), sealed.tries)

    def _too_early(self, batch: Batch[Order]) -> bool:
        """Whether a batch that we pace ourselves has to wait for its slot."""
        return batch.earliest is not None and batch.earliest > self._clock.now()

    def _put_off(self, ready: Ready) -> None:
        """Give a batch that missed its slot the next one: its campaign keeps its rate, window and end."""
        batch = ready.batch.put_off(self._clock.now())
        if batch is None:
            self.expired.add(ready.batch.order.name)
            return
        body: Future[bytes] = Future()
        if batch.send_at == ready.batch.send_at:
            body.set_result(ready.body)
        else:
            body = self._sealer.seal(batch)
        self._sealing.append(_Sealing(batch, body, ready.tries))
