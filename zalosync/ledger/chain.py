"""The linked history: one event per transaction, each holding the hash of the one before.

An event's body says what changed: row numbers, states, codes and times, never anything personal. What
never changes of an attempt (its digests and ids) enters as a commitment with a salt that lies in the
attempt's row, so that destroying the salt unlinks the row and the chain still verifies.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import cast

import orjson

COMMITMENT_BYTES = 16
SALT_BYTES = 12
EVIDENCE_BYTES = 8
NO_EVIDENCE = bytes(EVIDENCE_BYTES)
GENESIS = bytes(32)


def ranges(rows: Iterable[int]) -> list[list[int]]:
    """Row numbers as [first, count] pairs; batches are claimed in order, so a hundred rows are one pair."""
    found: list[list[int]] = []
    following = None
    for row in sorted(rows):
        if row == following:
            found[-1][1] += 1
        else:
            found.append([row, 1])
        following = row + 1
    return found


def shortest(rows: Sequence[int]) -> list[list[int]] | list[int]:
    """The same, or, for scattered ones as reports come, the first and each one's distance from the last."""
    pairs = ranges(rows)
    if 2 * len(pairs) <= len(rows):
        return pairs
    ordered = sorted(rows)
    return [ordered[0], *(row - before for before, row in pairwise(ordered))]


def spread(written: Sequence[Sequence[int]] | Sequence[int]) -> list[int]:
    """The row numbers of what either of them gave."""
    if written and isinstance(written[0], int):
        return list(accumulate(cast("Sequence[int]", written)))
    pairs = cast("Sequence[Sequence[int]]", written)
    return [row for first, count in pairs for row in range(first, first + count)]


def canonical(document: object) -> bytes:
    """The one spelling of a JSON document."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def commitment(
    *,
    salt: bytes,
    row: int,
    message: bytes,
    message_id: bytes,
    campaign: int,
    occurrence: int,
    attempt: int,
    fingerprint: bytes,
    recipient: bytes,
    failover: int,
) -> bytes:
    """16 bytes that bind an attempt's lasting columns to the chain, and say nothing without the salt."""
    columns = (message, message_id, fingerprint, recipient)
    # With the lengths, so that no byte can move unseen from one column to the next.
    numbers = (row, campaign, occurrence, attempt, failover)
    data = b"%d %d %d %d %d %d %d %d %d " % (*numbers, *map(len, columns)) + b"".join(columns)
    return hashlib.blake2b(data, key=salt, person=b"zs commitment", digest_size=COMMITMENT_BYTES).digest()


def link(
    previous: bytes,
    *,
    seq: int,
    at: int,
    kind: str,
    run: int | None,
    intent_serial: int,
    status_serial: int,
    body: bytes,
    commitments: bytes,
) -> bytes:
    """The hash of an event (SHA-256): over the hash before it and everything the event says."""
    digest = hashlib.sha256(previous)
    digest.update(canonical([seq, at, kind, run, intent_serial, status_serial, len(body), len(commitments)]))
    digest.update(body)
    digest.update(commitments)
    return digest.digest()
