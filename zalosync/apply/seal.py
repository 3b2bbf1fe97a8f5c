"""Encrypts and encodes request bodies, in worker processes where there is enough to do.

RSA is most of an encrypted campaign's work (about 65 µs a value at 4096 bits), and one busy Python
thread starves the others: so processes, each with its key object built once.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from zalosync.apply.batch import Batch
from zalosync.infobip.keys import Encryptor
from zalosync.infobip.wire import Envelope, Outgoing, send_body
from zalosync.workers import Workers, become_worker, signals_held

# Below this many encrypted values the work is done before a process has started.
POOL_FROM_VALUES = 5_000
WORKERS = min(os.cpu_count() or 1, 8)


@dataclass(frozen=True, slots=True)
class Order:
    """How a campaign's requests are made.

    Attributes:
        name: the campaign's, for people.
        first_name: the campaign's, for ever.
        envelope: what all its messages share.
        encryptor: the sender's key, or None where nothing is encrypted.
        expires_at: nothing is submitted after this, or None.
    """

    name: str
    first_name: str
    envelope: Envelope
    encryptor: Encryptor | None = None
    expires_at: datetime | None = None


class Sealer:
    """Turns batches into bodies. A context manager.

    Args:
        values: how many there will be to encrypt.
        proof: of a message id, what comes back with its reports, so that a forged one is known.
    """

    def __init__(self, *, values: int, proof: Callable[[bytes], str] | None = None) -> None:
        self._proof = proof
        self.workers = WORKERS if values >= POOL_FROM_VALUES and WORKERS > 1 else 0
        self._pool: ProcessPoolExecutor | None = None
        if self.workers:
            self._pool = ProcessPoolExecutor(self.workers, Workers(), initializer=become_worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def seal(self, batch: Batch[Order]) -> Future[bytes]:
        """The body of a batch, now or when a worker has made it."""
        proof = self._proof
        outgoing = [
            Outgoing(phone, text, values, failover, None if proof is None else proof(claim.message_id))
            for text, (claim, phone, values, failover) in zip(batch.ids, batch.letters, strict=True)
        ]
        if self._pool is not None and batch.order.encryptor is not None:
            with signals_held():  # the first one starts the processes
                return self._pool.submit(_seal, batch.order, outgoing, batch.bulk, batch.send_at)
        done: Future[bytes] = Future()
        done.set_result(_seal(batch.order, outgoing, batch.bulk, batch.send_at))
        return done


def _seal(order: Order, outgoing: list[Outgoing], bulk: str, send_at: datetime | None) -> bytes:
    return send_body(order.envelope, outgoing, bulk_id=bulk, send_at=send_at, encryptor=order.encryptor)
