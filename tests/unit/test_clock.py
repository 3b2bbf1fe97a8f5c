"""Time as a port: moments survive being stored, waiting can be cut short, jitter stays in its range."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.programs import printed
from zalosync.clock import Stop, SystemClock, milliseconds, moment

MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the bounds are naive


@given(st.integers(0, 2**42))
@example(1_790_000_000_123)
@example(1_790_000_000_999)
def test_stored_moments_come_back(number: int) -> None:
    """A number of milliseconds is the same number after being a moment, however often."""
    assert milliseconds(moment(number)) == number
    assert moment(number).tzinfo is UTC


@given(MOMENTS)
def test_stored_to_the_millisecond(at: datetime) -> None:
    """A moment is stored without what is finer than a millisecond: never later, never a whole one earlier."""
    stored = moment(milliseconds(at))
    assert timedelta(0) <= at - stored < timedelta(milliseconds=1)
    assert moment(milliseconds(stored)) == stored


@given(MOMENTS, st.integers(-12, 14))
def test_offsets_do_not_matter(at: datetime, hours: int) -> None:
    """The same moment told in another zone is stored as the same number."""
    assert milliseconds(at.astimezone(timezone(timedelta(hours=hours)))) == milliseconds(at)


def test_system_clock() -> None:
    """The machine's clock is aware, goes on, and its jitter lies in [0, 1)."""
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    first = clock.monotonic()
    assert clock.sleep(0.0) is False
    assert clock.monotonic() >= first
    jitters = [clock.jitter() for _ in range(100)]
    assert all(0 <= jitter < 1 for jitter in jitters)
    assert len(set(jitters)) > 1


def test_woken() -> None:
    """A sleeper hears that it is wanted, and says so."""
    wake = Stop()
    clock = SystemClock()
    assert clock.sleep(0.0, wake) is False
    wake.set()
    assert clock.sleep(100.0, wake) is True


SIGNALLED = """
import signal

from zalosync.clock import Stop, SystemClock

clock = SystemClock()
stop = Stop()
signal.signal(signal.SIGALRM, lambda *_: stop.set())
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.00002)
for _ in range(4000):
    stop = Stop()
    while not clock.sleep(0.0002, stop):
        pass
signal.setitimer(signal.ITIMER_REAL, 0)
print("woken")
"""


def test_signals_wake_wherever_they_meet_the_sleeper(tmp_path: Path) -> None:
    """A flag with a lock would wait for itself there; in a process of its own, which could not end then."""
    assert printed(tmp_path, SIGNALLED) == "woken\n"
