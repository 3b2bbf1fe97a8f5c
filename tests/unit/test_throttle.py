"""The limit on log queries holds over processes, and a lost or damaged file only makes us ask too often."""

import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.books import NOON
from zalosync.refresh.throttle import WINDOW_SECONDS, LogThrottle


def at(seconds: float) -> datetime:
    """A moment, in seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def test_so_many_a_minute(tmp_path: Path) -> None:
    """As many queries as allowed go out at once; the next one waits until the first is a minute old."""
    throttle = LogThrottle(tmp_path / "throttle", 3)
    assert [throttle.take(at(second)) for second in (0, 1, 2)] == [0.0, 0.0, 0.0]
    assert throttle.take(at(3)) == 57.0
    assert throttle.take(at(59.5)) == 0.5
    assert throttle.take(at(60)) == 0.0
    assert throttle.take(at(60)) == 1.0


def test_shared(tmp_path: Path) -> None:
    """Several processes share one limit."""
    path = tmp_path / "throttle"
    assert [LogThrottle(path, 2).take(at(0)) for _ in range(3)] == [0.0, 0.0, WINDOW_SECONDS]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@given(st.lists(st.integers(0, 2400).map(lambda n: n / 4), min_size=1, max_size=40), st.integers(1, 5))
@settings(max_examples=30)
def test_never_more(tmp_path_factory: pytest.TempPathFactory, asks: list[float], per_minute: int) -> None:
    """In no minute more queries go out than allowed, however they are asked for."""
    throttle = LogThrottle(tmp_path_factory.mktemp("throttle") / "throttle", per_minute)
    went = [second for second in sorted(asks) if throttle.take(at(second)) == 0.0]
    for second in went:
        assert sum(second - WINDOW_SECONDS < other <= second for other in went) <= per_minute


def test_waits_are_enough(tmp_path: Path) -> None:
    """After the wait that is asked for, the query goes out."""
    throttle = LogThrottle(tmp_path / "throttle", 2)
    for second in (0.0, 13.7):
        throttle.take(at(second))
    pause = throttle.take(at(20.25))
    assert throttle.take(at(20.25 + pause)) == 0.0


def test_clock_set_back(tmp_path: Path) -> None:
    """A clock that was set back does not hold queries up for hours."""
    throttle = LogThrottle(tmp_path / "throttle", 1)
    assert throttle.take(at(7200)) == 0.0
    assert throttle.take(at(0)) == 0.0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'{"times": 7}',
        b'{"times": ["a", null, {}]}',
        b'{"times": [1e999]}',
        b"\xff",
    ],
)
def test_damaged(tmp_path: Path, data: bytes) -> None:
    """A file that a crash cut short, or that is none, is begun anew."""
    path = tmp_path / "throttle"
    path.write_bytes(data)
    throttle = LogThrottle(path, 1)
    assert throttle.swept_until is None
    assert throttle.take(at(0)) == 0.0
    assert throttle.take(at(1)) > 0


def test_swept_until(tmp_path: Path) -> None:
    """How far the logs were gone through is remembered beside the times, to the millisecond."""
    path = tmp_path / "throttle"
    throttle = LogThrottle(path, 2)
    assert throttle.swept_until is None
    throttle.take(at(0))
    throttle.swept_until = at(1.123)
    assert LogThrottle(path, 2).swept_until == at(1.123)
    assert throttle.take(at(2)) == 0.0
    assert throttle.take(at(3)) > 0
    assert throttle.swept_until == at(1.123)
