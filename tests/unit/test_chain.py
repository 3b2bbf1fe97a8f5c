"""The links of the history: every field counts, and no two histories share bytes."""

from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zalosync.ledger.chain import (
    COMMITMENT_BYTES,
    GENESIS,
    canonical,
    commitment,
    link,
    ranges,
    shortest,
    spread,
)

EVENT: dict[str, Any] = {
    "seq": 7,
    "at": 1_790_000_000_000,
    "kind": "claim",
    "run": 3,
    "intent_serial": 5,
    "status_serial": 2,
    "body": b'{"claims":[[1,[[1,2]]]]}',
    "commitments": b"c" * 32,
}
OTHER = {
    "seq": 8,
    "at": 1_790_000_000_001,
    "kind": "outcome",
    "run": None,
    "intent_serial": 6,
    "status_serial": 3,
    "body": b"{}",
    "commitments": b"",
}
ATTEMPT: dict[str, Any] = {
    "salt": b"s" * 12,
    "row": 1,
    "message": b"m" * 16,
    "message_id": b"i" * 20,
    "campaign": 1,
    "occurrence": 2,
    "attempt": 3,
    "fingerprint": b"f" * 16,
    "recipient": b"r" * 16,
    "failover": 1,
}


@pytest.mark.parametrize("name", EVENT)
def test_every_field_of_an_event_counts(name: str) -> None:
    """Another value in any field gives another hash."""
    assert link(GENESIS, **EVENT) != link(GENESIS, **EVENT | {name: OTHER[name]})


def test_the_hash_before_counts() -> None:
    """The same event after another history has another hash; hashes have 32 bytes."""
    assert link(GENESIS, **EVENT) != link(b"\x01" * 32, **EVENT)
    assert len(link(GENESIS, **EVENT)) == len(GENESIS) == 32


@pytest.mark.parametrize(("one", "two"), list(combinations(("seq", "at", "run", "intent_serial"), 2)))
def test_numbers_do_not_run_together(one: str, two: str) -> None:
    """Digits moved from one number to the next give another hash."""
    moved = EVENT | {one: 11, two: 1}
    assert link(GENESIS, **moved) != link(GENESIS, **EVENT | {one: 1, two: 11})


@given(st.binary(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_body_and_commitments_do_not_run_together(data: bytes, one: int, two: int) -> None:
    """The same bytes, parted elsewhere between body and commitments, give another hash."""
    hashes = [link(GENESIS, **EVENT | {"body": data[:cut], "commitments": data[cut:]}) for cut in (one, two)]
    assert (hashes[0] == hashes[1]) == (data[:one] == data[:two])


def test_known_answer() -> None:
    """A change of the link's making breaks the history of every ledger: it needs a new version."""
    assert link(GENESIS, **EVENT).hex() == KNOWN_LINK
    assert commitment(**ATTEMPT).hex() == KNOWN_COMMITMENT


@pytest.mark.parametrize("name", ATTEMPT)
def test_every_lasting_column_is_committed_to(name: str) -> None:
    """Another value in any lasting column, or another salt, gives another commitment."""
    value = ATTEMPT[name]
    other = value + 1 if isinstance(value, int) else bytes([value[0] ^ 1]) + value[1:]
    assert commitment(**ATTEMPT) != commitment(**ATTEMPT | {name: other})
    assert len(commitment(**ATTEMPT)) == COMMITMENT_BYTES


@pytest.mark.parametrize(
    ("one", "two"), [("message", "message_id"), ("message_id", "fingerprint"), ("fingerprint", "recipient")]
)
def test_columns_do_not_run_together(one: str, two: str) -> None:
    """Bytes moved from the end of one column to the start of the next give another commitment."""
    moved = ATTEMPT | {one: ATTEMPT[one][:-1], two: ATTEMPT[one][-1:] + ATTEMPT[two]}
    assert commitment(**ATTEMPT) != commitment(**moved)


def test_numbers_of_a_commitment_do_not_run_together() -> None:
    """Digits moved between the numbers give another commitment."""
    one = commitment(**ATTEMPT | {"row": 11, "campaign": 1})
    assert one != commitment(**ATTEMPT | {"row": 1, "campaign": 11})


@given(st.sets(st.integers(1, 500)))
def test_ranges(rows: set[int]) -> None:
    """Rows as ranges and back are the same rows, in order; neighbours share one range."""
    pairs = ranges(rows)
    assert spread(pairs) == sorted(rows)
    assert all(first + count < second for (first, count), (second, _) in pairwise(pairs))


@given(st.sets(st.integers(1, 500)))
def test_shortest(rows: set[int]) -> None:
    """Rows written as is shortest are the same rows, in order, and never longer than as ranges."""
    written = shortest(list(rows))
    assert spread(written) == sorted(rows)
    assert len(canonical(written)) <= len(canonical(ranges(rows)))


@given(st.dictionaries(st.text(), st.integers(-(2**53), 2**53) | st.text() | st.none()))
def test_canonical(document: dict[str, Any]) -> None:
    """The order of keys makes no difference, everything else does."""
    assert canonical(document) == canonical(dict(reversed(document.items())))
    assert canonical({**document, "more": 1}) != canonical({**document, "more": 2})


KNOWN_LINK = "b13c02fc3fad750b8bb682f9fbd53cd8d1af651e041b729ee589850feb7a0553"
KNOWN_COMMITMENT = "9e6a59f907c7ed3d6c3da73eb5e95d42"
