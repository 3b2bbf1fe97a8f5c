"""Asking the logs piece by piece: nothing is skipped, nothing is asked for ever, URLs stay short."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zalosync.infobip.client import LOGS_PATH
from zalosync.infobip.slices import FINEST, LOOK_BACK, MOST_URL, Slice, cut, id_lists, room_for_ids, sweep

START = datetime(2026, 12, 1, tzinfo=UTC)
IDS = st.text(alphabet="abcXYZ0123456789-_~%é ", min_size=1, max_size=60)


@dataclass(frozen=True)
class Found:
    """A page of the model below."""

    rows: tuple[datetime, ...]
    complete: bool


def _logs(sent: list[datetime], limit: int, *, inclusive: bool) -> list[tuple[Slice, Found]]:
    """All pages of a provider that keeps these rows and cuts pages at the limit."""

    def ask(piece: Slice) -> Found:
        rows = [
            at
            for at in sent
            if (piece.since <= at <= piece.until if inclusive else piece.since < at < piece.until)
        ]
        return Found(tuple(rows[:limit]), len(rows) < limit)

    whole = Slice(START - FINEST, START + timedelta(minutes=1) + FINEST)
    return list(sweep(cut(whole, timedelta(seconds=21)), ask))


@given(st.lists(st.integers(0, 60_000), max_size=60), st.integers(2, 10), st.booleans())
def test_a_sweep_finds_every_row_it_can(millis: list[int], limit: int, inclusive: bool) -> None:  # noqa: FBT001
    """Whatever the provider means by its bounds; what it cannot find lies in a slice it says so of."""
    sent = [START + timedelta(milliseconds=ms) for ms in sorted(millis)]
    pages = _logs(sent, limit, inclusive=inclusive)
    found = {at for _, page in pages for at in page.rows}
    lost = [piece for piece, page in pages if not page.complete and piece.halves() is None]
    for at in set(sent) - found:
        assert any(piece.since <= at <= piece.until for piece in lost)
    if all(sent.count(at) < limit for at in sent) and not inclusive:
        assert found == set(sent)


def test_a_sweep_ends_where_one_millisecond_is_full() -> None:
    """More rows in one millisecond than a page can hold: said, not asked for ever."""
    pages = _logs([START + timedelta(seconds=3)] * 50, 10, inclusive=True)
    lost = [piece for piece, page in pages if not page.complete and piece.halves() is None]
    assert lost
    assert len(pages) < 100


def test_complete_pages_are_asked_once() -> None:
    """Three slices, three requests: each costs a tenth of a minute's allowance."""
    assert len(_logs([START], 10, inclusive=True)) == 3


@given(st.integers(3, 172_800_000))
def test_halves_cover_and_shrink(length: int) -> None:
    """Together they are the slice, with a millisecond in both; each is shorter."""
    piece = Slice(START, START + timedelta(milliseconds=length))
    halves = piece.halves()
    assert halves is not None
    first, second = halves
    assert (first.since, second.until) == (piece.since, piece.until)
    assert second.since == first.until - FINEST
    for half in halves:
        assert FINEST <= half.until - half.since < piece.until - piece.since


@given(st.integers(1, 10_000), st.integers(2, 3_000))
def test_a_cut_covers_the_whole(length: int, part: int) -> None:
    """From its start to its end, each slice beginning where the last has not yet ended."""
    whole = Slice(START, START + timedelta(milliseconds=length))
    pieces = list(cut(whole, timedelta(milliseconds=part)))
    assert (pieces[0].since, pieces[-1].until) == (whole.since, whole.until)
    for before, after in pairwise(pieces):
        assert before.since < after.since < before.until


def test_a_cut_into_nothing_is_a_bug() -> None:
    """It would never end."""
    with pytest.raises(ValueError, match="longer than a millisecond"):
        list(cut(Slice(START, START + LOOK_BACK), FINEST))


@given(st.lists(IDS, max_size=200), st.integers(1, 50))
def test_lists_of_ids_hold_all_in_order_and_fit(ids: list[str], most: int) -> None:
    """Whatever characters they have, the URL that the HTTP library makes of a list is short enough."""
    base = "https://abc123.api.infobip.com"
    lists = list(id_lists(ids, room=room_for_ids(base, LOGS_PATH), most=most))
    assert [one for part in lists for one in part] == ids
    for part in lists:
        assert 0 < len(part) <= most
        url = httpx.URL(f"{base}{LOGS_PATH}", params={"messageId": ",".join(part), "limit": "1000"})
        assert len(str(url)) <= MOST_URL


def test_our_own_ids_go_fifty_at_a_time() -> None:
    """36 characters each and a quoted comma: what a minute's allowance of ten requests can settle."""
    ids = [f"zs1-{'A' * 30}{n:02}" for n in range(100)]
    lists = list(id_lists(ids, room=room_for_ids("https://abc123.api.infobip.com", LOGS_PATH)))
    assert [len(part) for part in lists] == [49, 49, 2]


def test_one_id_that_is_too_long_goes_alone() -> None:
    """It is asked for all the same: the longest id the API allows still fits most servers."""
    assert list(id_lists(["a" * 200, "b", "c"], room=100)) == [("a" * 200,), ("b", "c")]
