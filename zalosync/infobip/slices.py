"""How to ask the logs for more than one page can hold: a pure planner.

The logs have no cursor, and a page holds at most 1,000 rows. So a stretch of time is asked in slices, and a
slice whose page is full is cut in two and asked again. Whether the bounds are inclusive is not documented:
slices overlap by a millisecond, and a row that comes twice is merged once. For known messages
there is a surer way, by lists of message ids that keep the URL short.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from urllib.parse import quote

MOST_URL = 2000  # characters that every server and proxy takes; a sibling API documents 2,048
FINEST = timedelta(milliseconds=1)  # of the wire's times: a slice this thin cannot be cut
LOOK_BACK = timedelta(hours=48)  # how long the provider keeps log rows


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of time to ask the logs for: aware, UTC, `since` before `until`."""

    since: datetime
    until: datetime

    def halves(self) -> tuple["Slice", "Slice"] | None:
        """Two slices that cover this one and overlap by a millisecond, or None where it is too thin."""
        if self.until - self.since <= 2 * FINEST:
            return None
        # Rounded up, so that the second half, which begins a millisecond earlier, is shorter too.
        half = ((self.until - self.since) // FINEST + 1) // 2
        middle = self.since + half * FINEST
        return Slice(self.since, middle), Slice(middle - FINEST, self.until)


class _Asked(Protocol):
    @property
    def complete(self) -> bool: ...


P = TypeVar("P", bound=_Asked)


def sweep(slices: Iterable[Slice], ask: Callable[[Slice], P]) -> Iterator[tuple[Slice, P]]:
    """Every page of these slices, oldest first; a slice whose page is full is halved and asked again.

    Args:
        slices: from `cut`, or one.
        ask: gives the page of a slice. It waits where the provider wants it to, and asks again.

    Yields:
        Each slice with its page, full ones too: their rows are rows. A full page of a slice that cannot be
        halved comes last for that slice: rows of it were cut off, and absence from it says nothing.
    """
    for one in slices:
        waiting = [one]
        while waiting:
            asked = waiting.pop()
            page = ask(asked)
            yield asked, page
            if not page.complete:
                waiting += reversed(asked.halves() or ())


def cut(whole: Slice, length: timedelta) -> Iterator[Slice]:
    """A stretch in slices of that length, for where one page would surely be full."""
    if length <= FINEST:
        raise ValueError("a slice is longer than a millisecond")
    start = whole.since
    while start + length < whole.until:
        yield Slice(start, start + length)
        start += length - FINEST
    yield Slice(start, whole.until)


def id_lists(message_ids: Sequence[str], *, room: int, most: int = 1000) -> Iterator[tuple[str, ...]]:
    """Message ids in their order, in lists that fit one request each.

    Args:
        message_ids: as on the wire.
        room: characters that the comma-separated list may take in the URL, once quoted.
        most: ids in one list; with more than a page's rows, a page could be cut off.
    """
    taken: list[str] = []
    length = 0
    for message_id in message_ids:
        size = len(quote(message_id, safe="")) + (len(_COMMA) if taken else 0)
        if taken and (length + size > room or len(taken) == most):
            yield tuple(taken)
            taken, length = [], 0
            size -= len(_COMMA)
        taken.append(message_id)
        length += size
    if taken:
        yield tuple(taken)


def room_for_ids(base_url: str, path: str) -> int:
    """Characters left for the list in a URL that asks for nothing else but the longest limit."""
    return MOST_URL - len(f"{base_url}{path}?messageId=&limit=1000")


_COMMA = quote(",", safe="")
