"""Faults that could never act, or not as they are written: refused; their silence would look like calm."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from zalosync.sandbox.behaviours import BEHAVIOURS
from zalosync.sandbox.refusals import NOTHING_TAKEN
from zalosync.sandbox.turn import CONNECT, SEND

if TYPE_CHECKING:
    from zalosync.sandbox.faults import Fault


def of_fault(fault: "Fault") -> Iterator[str]:
    """What keeps a line from acting, each with the way out."""
    made_for = BEHAVIOURS[fault.do].calls
    if fault.on == ():
        yield f"`on` names no call: leave it out for all that {fault.do} is made for"
    foreign = [name for name in fault.on or () if name not in made_for]
    if foreign:
        yield f"{fault.do} is made for {', '.join(made_for)}, never for {', '.join(foreign)}: leave those out"
    yield from _of_numbers(fault)
    yield from _of_match(fault)
    takes = BEHAVIOURS[fault.do].takes
    unread = sorted(fault.takes.model_fields_set - set(takes))
    if unread:
        yield f"{fault.do} takes {', '.join(takes) or 'nothing'} under `with`, not {', '.join(unread)}"


def _of_numbers(fault: "Fault") -> Iterator[str]:
    named = numbers(fault)
    if named is None:
        return
    if not named or min(named) < 1:
        yield "`requests` holds no request: they are numbered from 1, write 3-7, 3- or a list"
    elif not any(fault.counts(number) for number in named):
        yield f"none of `requests` is a multiple of {fault.every}: leave `every` out, or name others"
    elif fault.rate is not None and fault.rate < 1 and "-" not in str(fault.requests):
        yield "`requests` names each request, and `rate` leaves it to the seed whether it is meant: drop one"


def numbers(fault: "Fault") -> Sequence[int] | None:
    """The requests that a line names; None for those without an end."""
    if not isinstance(fault.requests, str):
        return fault.requests
    first, dash, last = fault.requests.partition("-")
    if dash and not last:
        return None if int(first) else (0,)
    return range(int(first), int(last or first) + 1)


def _of_match(fault: "Fault") -> Iterator[str]:
    if fault.match is None:
        return
    if not fault.match:
        yield "`match` names nothing: leave it out for every request"
    behaviour = BEHAVIOURS[fault.do]
    if behaviour.before_body or behaviour.calls == CONNECT:
        yield f"`match` looks into the body, and {fault.do} acts before that is read: leave it out"
        return
    blind = [name for name in fault.calls() if name not in SEND] if fault.on or not _sends(fault) else []
    if blind:
        yield f"`match` looks at messages that are sent, and {', '.join(blind)} sends none: leave one out"


def _sends(fault: "Fault") -> bool:
    return SEND[0] in BEHAVIOURS[fault.do].calls


def behind(faults: Sequence["Fault"]) -> Iterator[tuple[int, int]]:
    """Places of lines that never come to act, each with that of the line which keeps requests from them."""
    for place, fault in enumerate(faults):
        for other, first in enumerate(faults):
            if other != place and _always(first) and _keeps(first, other, fault, place):
                yield place, other
                break


def _always(fault: "Fault") -> bool:
    """Whether it acts on each request of its calls, and lets none of them through."""
    free = fault.every in (None, 1) and fault.times is None and fault.match is None
    timeless = fault.after_ms == 0 and fault.for_ms is None
    all_of_them = fault.requests in (None, "1-") and fault.rate in (None, 1)
    return free and timeless and all_of_them and fault.do in NOTHING_TAKEN


def _keeps(first: "Fault", other: int, fault: "Fault", place: int) -> bool:
    """Whether a line that always acts stands before another: the opening, the headers, then the order."""
    covered = first.calls() == CONNECT or set(fault.calls()) <= set(first.calls())
    return covered and (_rank(first), other) < (_rank(fault), place)


def _rank(fault: "Fault") -> int:
    behaviour = BEHAVIOURS[fault.do]
    return 0 if behaviour.calls == CONNECT else 1 if behaviour.before_body else 2
