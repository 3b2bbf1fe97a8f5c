"""What a campaign wants does not depend on how its audience is cut, ordered, spread or kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.pieces import piece
from tests.support.shop import people
from zalosync.audience.piece import Piece
from zalosync.audience.screen import PHONE_COLUMN, Reason
from zalosync.compose import desired, pool
from zalosync.compose.desired import CONTENT_PART_BYTES, MAX_PARTS, POOL_FROM_BYTES, Desired, OnDuplicate
from zalosync.compose.digests import whole
from zalosync.compose.message import Identity, Keys
from zalosync.compose.recipe import Recipe

KEYS = Keys(bytes(range(32)))
RECIPE = Recipe(
    campaign="order-shipped",
    occurrence=1,
    template=322307,
    phone="phone",
    values={"customer_name": "{{ name | title }}", "order_code": "{{ code }}"},
    secret=KEYS.secret,
    key="{{ code }}",
    where="{{ status == 'shipped' }}",
    consent="consent",
    failover="Don hang {{ code }}",
    content=True,
)
ROWS = 200


@cache
def audience() -> pl.DataFrame:
    """Rows of every fate."""
    return pl.DataFrame(
        {
            "phone": [person.written for person in people(ROWS)],
            "name": [person.name for person in people(ROWS)],
            "code": [person.code for person in people(ROWS)],
            "status": ["open" if person.fate == "not-where" else "shipped" for person in people(ROWS)],
            "consent": ["" if person.fate == "no-consent" else "yes" for person in people(ROWS)],
        }
    )


def suppressed() -> pl.Series:
    """Those who must not be messaged."""
    return pl.Series([person.phone for person in people(ROWS) if person.fate == "suppressed"])


def cut(frame: pl.DataFrame, at: Iterable[int]) -> list[Piece]:
    """An audience in pieces that end at these rows."""
    edges = sorted({0, *at, frame.height})
    return [piece(frame[start:end]) for start, end in pairwise(edges)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that a campaign wants, in one frame, with its counts."""

    messages: pl.DataFrame
    skipped: pl.DataFrame
    counts: dict[Reason, int]
    repairs: dict[str, int]


def wanted(
    pieces: Sequence[Piece], *, size: int = 0, on_duplicate: OnDuplicate = "first", recipe: Recipe = RECIPE
) -> Wanted:
    """Read an audience to its end, twice: the second reading must give what the first one gave."""
    recipe = replace(recipe, suppressed=suppressed())
    heard: list[int] = []
    with Desired(recipe, iter(pieces), size=size, on_duplicate=on_duplicate) as found:
        found.gather(heard.append)
        parts = list(found.messages())
        counts = dict(found.waterfall.skipped)
        again = list(found.messages())
        assert dict(found.waterfall.skipped) == counts, "counted twice"
        assert all(one.equals(two) for one, two in zip(parts, again, strict=True))
        skipped = pl.concat([frame.select("row", "reason") for frame in found.skipped()]).sort("row")
        assert found.waterfall.audience == sum(each.rows().height for each in pieces)
        assert heard == sorted(heard)
        return Wanted(pl.concat(parts), skipped, counts, dict(found.waterfall.repairs))


@cache
def in_one() -> Wanted:
    """The audience in one chunk, in memory, in this process."""
    return wanted(cut(audience(), []))


def assert_same(one: Wanted, two: Wanted) -> None:
    """Everything is the same, row by row."""
    assert one.messages.equals(two.messages)
    assert one.skipped.equals(two.skipped)
    assert (one.counts, one.repairs) == (two.counts, two.repairs)


def test_against_the_construction() -> None:
    """Who is wanted, and why others are not, is what the audience was made of."""
    found = in_one()
    expected = {person.phone: person for person in people(ROWS) if not person.fate}
    kept = found.messages.filter(pl.col("reason") == int(Reason.KEPT))
    assert set(kept[PHONE_COLUMN]) == expected.keys()
    identity = Identity(KEYS, "order-shipped", 1)
    messages = whole(kept["m0"], kept["m1"])
    assert messages == sorted(messages)
    assert set(messages) == {identity.message(person.code) for person in expected.values()}
    for row in kept.iter_rows(named=True):
        person = expected[row[PHONE_COLUMN]]
        assert row["v:customer_name"] == person.values["customer_name"]
        assert row["v:order_code"] == person.values["order_code"]
    fates = [person.fate for person in people(ROWS)]
    assert {reason.word: count for reason, count in found.counts.items() if count} == {
        fate: fates.count(fate) for fate in set(fates) if fate
    }
    assert len(found.skipped) + len(expected) == ROWS


@given(st.sets(st.integers(1, ROWS - 1), max_size=12))
@settings(max_examples=25)
def test_chunks_do_not_matter(at: set[int]) -> None:
    """However the audience is cut, the same messages come in the same order, the same rows are skipped."""
    assert_same(wanted(cut(audience(), at)), in_one())


def test_a_chunk_for_each_row() -> None:
    """Also where every row is a chunk of its own."""
    assert_same(wanted(cut(audience(), range(ROWS))), in_one())


@given(st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_row_order_does_not_matter(random: object) -> None:
    """Where no two rows share a key, the order of the rows changes neither messages nor counts."""
    distinct = audience().unique("code", keep="first", maintain_order=True)
    order = list(range(distinct.height))
    random.shuffle(order)  # type: ignore[attr-defined]
    one, two = wanted(cut(distinct, [])), wanted(cut(distinct[order], []))
    assert one.messages.drop("row").equals(two.messages.drop("row"))
    assert (one.counts, one.repairs) == (two.counts, two.repairs)


@pytest.mark.parametrize("parts", [2, 3, 7, 64, MAX_PARTS, MAX_PARTS * 4])
def test_parts_do_not_matter(parts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept in files or in memory, in few parts or in many: the same messages in the same order."""
    monkeypatch.setattr(desired, "POOL_FROM_BYTES", 2**62)
    assert_same(wanted(cut(audience(), range(0, ROWS, 30)), size=parts * CONTENT_PART_BYTES), in_one())


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_do_not_matter(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Composed by this process, or by several: the same messages in the same order."""
    monkeypatch.setattr(desired, "WORKERS", workers)
    monkeypatch.setattr(pool, "WORKERS", workers)
    assert_same(wanted(cut(audience(), range(0, ROWS, 30)), size=POOL_FROM_BYTES), in_one())


@pytest.mark.parametrize("size", [0, 5 * CONTENT_PART_BYTES])
@pytest.mark.parametrize(("on_duplicate", "kept"), [("first", 0), ("last", 3), ("fail", 0)])
def test_duplicates_meet(
    on_duplicate: OnDuplicate, kept: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of one key meet wherever they stand, in whichever chunk; one of them is kept, as asked."""
    monkeypatch.setattr(desired, "POOL_FROM_BYTES", 2**62)
    frame = (
        audience()[:1]
        .select(pl.all().repeat_by(4).explode())
        .with_columns(pl.Series("name", ["an", "bình", "châu", "dũng"]))
    )
    found = wanted(cut(frame, range(4)), size=size, on_duplicate=on_duplicate)
    assert found.messages["row"].to_list() == [kept]
    assert found.counts == {Reason.DUPLICATE_KEY: 3}


def test_digests_alone() -> None:
    """What is composed to plan has the same identities as what is composed to send, and no content."""
    planned = wanted(cut(audience(), []), recipe=replace(RECIPE, content=False))
    same = ["m0", "m1", "f0", "f1", "row", "reason", "segments"]
    assert planned.messages.select(same).equals(in_one().messages.select(same))
    assert not [name for name in planned.messages.columns if name.startswith(("v:", "__"))]


def test_nobody() -> None:
    """An audience without rows wants nothing."""
    empty = audience()[:0]
    with Desired(RECIPE, iter([piece(empty)]), size=0, on_duplicate="first") as found:
        found.gather(lambda _done: None)
        assert sum(frame.height for frame in found.messages()) == 0
        assert found.waterfall.audience == found.waterfall.kept == 0
