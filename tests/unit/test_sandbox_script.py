"""The fault script: which requests a line means, and what is said of a line that cannot be."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest

from zalosync.sandbox.behaviours import BEHAVIOURS
from zalosync.sandbox.faults import Script, load, messages_in, parse
from zalosync.sandbox.settings import SettingsError
from zalosync.sandbox.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        yield Store(connection)


def _hits(
    store: Store, line: dict[str, Any], count: int = 10, call: str = "send", seed: int = 1
) -> list[int]:
    script = Script(seed)
    script.add(parse([line]), 0)
    return [n for n in range(1, count + 1) if script.pick(store, call, b"", 0)]


@pytest.mark.parametrize(
    ("line", "hits"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ({"requests": [3, 7, 99]}, [3, 7]),
        ({"requests": "4-6"}, [4, 5, 6]),
        ({"requests": "8-"}, [8, 9, 10]),
        ({"requests": "2"}, [2]),
        ({"requests": 2}, [2]),
        ({"every": 4}, [4, 8]),
        ({"times": 2}, [1, 2]),
        ({"every": 2, "times": 1, "requests": "3-"}, [4]),
        ({"on": "logs"}, []),
        ({"rate": 1.0, "times": 1}, [1]),
    ],
)
def test_by_number_and_times(store: Store, line: dict[str, Any], hits: list[int]) -> None:
    """Numbers, ranges, every n-th and at most so often: all that is given must hold."""
    assert _hits(store, {"do": "refuse-503", **line}) == hits


def test_rates_are_seeded(store: Store) -> None:
    """A rate takes the same requests in every run of one seed, and others under another seed."""

    def run(seed: int) -> list[int]:
        with closing(sqlite3.connect(":memory:")) as connection:
            return _hits(Store(connection), {"do": "refuse-503", "rate": 0.2}, 200, seed=seed)

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 20 <= len(run(1)) <= 60
    assert _hits(store, {"do": "refuse-503", "rate": 0.2}, 200) == run(1)


def test_spans_of_time(store: Store) -> None:
    """A line holds from `after_ms` for `for_ms` on the sandbox's clock, counted from when it was added."""
    script = Script(1)
    script.add(parse([{"do": "refuse-503", "after_ms": 100, "for_ms": 50}]), 1000)
    assert [now for now in (1000, 1099, 1100, 1149, 1150) if script.pick(store, "send", b"", now)] == [
        1100,
        1149,
    ]


def test_matches(store: Store) -> None:
    """A line with a match acts on requests in which one message fits every glob."""
    body = orjson.dumps(
        {
            "messages": [
                {
                    "sender": "1",
                    "destinations": [{"to": "84901", "messageId": "a-1"}, {"to": "84902"}],
                    "content": {"templateName": 7},
                }
            ],
            "options": {"schedule": {"bulkId": "spring"}},
        }
    )

    def acts(**match: str | int) -> bool:
        script = Script(1)
        script.add(parse([{"do": "refuse-503", "match": match}]), 0)
        return bool(script.pick(store, "send", body, 0))

    assert acts(to="8490*")
    assert acts(to="84902", template=7)
    assert acts(messageId="a-?", bulkId="spring", sender="1")
    assert not acts(to="84902", messageId="a-1")
    assert not acts(template=8)
    assert [each["to"] for each in messages_in(body)] == ["84901", "84902"]
    for broken in (b"", b"{", b"[]", b'{"messages": 1}', b'{"messages": [1]}'):
        assert messages_in(broken) == []


def test_early_faults_are_counted_once(store: Store) -> None:
    """A fault before the body uses the number that the request would have had."""
    script = Script(1)
    script.add(
        parse([{"do": "reset-before-reading", "requests": [2]}, {"do": "refuse-503", "requests": [3]}]), 0
    )
    found = []
    for _ in range(4):
        early = script.pick_early(store, "send", 0)
        late = [] if early else script.pick(store, "send", b"", 0)
        found.append([line.fault.do for line in early + late])
    assert found == [[], ["reset-before-reading"], ["refuse-503"], []]


def test_hits_survive_a_restart(tmp_path: Path) -> None:
    """Request numbers and `times` go on where they were when the same script is loaded again."""
    hits = []
    for _ in range(3):
        with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
            hits.append(
                _hits(Store(connection), {"do": "refuse-503", "requests": [1, 12, 13], "times": 2}, 6)
            )
    assert hits == [[1], [6], []]


def test_equal_lines_count_apart(store: Store) -> None:
    """Two equal lines are two faults, each with its own count."""
    script = Script(1)
    script.add(parse([{"do": "refuse-503", "times": 1}, {"do": "refuse-503", "times": 1}]), 0)
    assert [len(script.pick(store, "send", b"", 0)) for _ in range(3)] == [2, 0, 0]
    assert len({line.name for line in script.lines}) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"do": "explode"}, "no fault is called 'explode'"),
        ({"do": "refuse-503", "on": ["sent"]}, "no call is called 'sent'"),
        ({"do": "refuse-503", "requests": "x-y"}, "write 3-7"),
        ({"do": "refuse-503", "match": {"phone": "1"}}, "match knows to"),
        ({"do": "refuse-503", "rate": 2}, "less than or equal to 1"),
        ({"do": "refuse-503", "often": 2}, "often"),
        ({"do": "slow", "with": {"seconds": 2}}, "seconds"),
        ({"do": "row-rejected", "with": {"cause": "weather"}}, "cause"),
        ({}, "do"),
    ],
)
def test_lines_that_cannot_be(line: dict[str, Any], said: str) -> None:
    """A wrong line is named by its place and what is wrong with it."""
    with pytest.raises(SettingsError, match=r"faults\[1\]") as raised:
        parse({"faults": [{"do": "slow"}, line]})
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"do": "accepted-then-reset", "on": "logs"}, "never for logs"),
        ({"do": "accepted-then-500", "on": ["send", "quota"]}, "never for quota"),
        ({"do": "partial-accept", "on": ["reports"]}, "made for send, never for reports"),
        ({"do": "late-logs", "on": ["send"]}, "made for logs"),
        ({"do": "refuse-503", "on": ["connect"]}, "never for connect"),
        ({"do": "reset-on-connect", "on": ["send"]}, "made for connect"),
        ({"do": "refuse-503", "on": []}, "names no call"),
        ({"do": "refuse-503", "requests": []}, "holds no request"),
        ({"do": "refuse-503", "requests": 0}, "numbered from 1"),
        ({"do": "refuse-503", "requests": [2, 0]}, "numbered from 1"),
        ({"do": "refuse-503", "requests": "7-3"}, "holds no request"),
        ({"do": "refuse-503", "requests": "0-"}, "numbered from 1"),
        ({"do": "refuse-503", "requests": [3, 5], "every": 2}, "multiple of 2"),
        ({"do": "refuse-503", "requests": "11-19", "every": 10}, "multiple of 10"),
        ({"do": "refuse-503", "requests": [3], "rate": 0.5}, "drop one"),
        ({"do": "refuse-503", "requests": 3, "rate": 0.5}, "drop one"),
        ({"do": "refuse-503", "rate": 0}, "greater than 0"),
        ({"do": "refuse-503", "times": 0}, "greater than or equal to 1"),
        ({"do": "refuse-503", "after_ms": -1}, "greater than or equal to 0"),
        ({"do": "refuse-503", "for_ms": 0}, "greater than or equal to 1"),
        ({"do": "refuse-503", "match": {}}, "names nothing"),
        ({"do": "refuse-503", "on": ["send", "logs"], "match": {"to": "84*"}}, "logs sends none"),
        ({"do": "bare-rows", "match": {"to": "84*"}}, "sends none"),
        ({"do": "hang-before-reading", "match": {"to": "84*"}}, "before that is read"),
        ({"do": "close-on-connect", "match": {"to": "84*"}}, "before that is read"),
        ({"do": "slow", "with": {"share": 0.5}}, "slow takes delay_ms under `with`, not share"),
        ({"do": "reset-unaccepted", "with": {"retry_after": 1}}, "takes nothing under `with`"),
        ({"do": "slow", "with": {"delay_ms": 0}}, "with.delay_ms"),
        ({"do": "slow", "with": {"delay_ms": -5}}, "with.delay_ms"),
        ({"do": "drip", "with": {"drip_ms": 0}}, "with.drip_ms"),
        ({"do": "late-logs", "with": {"lag_ms": 0}}, "with.lag_ms"),
        ({"do": "clock-skew", "with": {"skew_ms": 0}}, "with.skew_ms"),
        ({"do": "clock-skew", "with": {"skew_ms": 10**16}}, "a hundred years"),
        ({"do": "missing-rows", "with": {"share": 0}}, "with.share"),
        ({"do": "row-rejected", "with": {"cause": "delivered"}}, "no message is refused for 'delivered'"),
    ],
)
def test_lines_that_could_never_act(line: dict[str, Any], said: str) -> None:
    """What would silently do nothing, or not what it says, is refused with its place and what to do."""
    with pytest.raises(SettingsError, match=r"^fault script: faults\[0\]") as raised:
        parse([line])
    assert said in str(raised.value)
    assert "Value error" not in str(raised.value)


@pytest.mark.parametrize(
    ("lines", "never", "because"),
    [
        (["refuse-503", "slow"], 1, 0),
        (["slow", "refuse-503"], None, None),
        ([{"do": "refuse-503", "on": ["logs"]}, "slow"], None, None),
        ([{"do": "refuse-503", "on": ["logs", "send"]}, {"do": "slow", "on": "send"}], 1, 0),
        ([{"do": "refuse-503", "times": 5}, "slow"], None, None),
        ([{"do": "refuse-503", "requests": "1-"}, "slow"], 1, 0),
        ([{"do": "refuse-503", "requests": "2-"}, "slow"], None, None),
        ([{"do": "refuse-503", "rate": 0.9}, "slow"], None, None),
        ([{"do": "refuse-503", "after_ms": 1}, "slow"], None, None),
        (["refuse-503", "hang-before-reading"], 0, 1),
        (["slow", "reset-on-connect"], 0, 1),
        (["accepted-then-500", "partial-accept"], None, None),
    ],
)
def test_lines_behind_one_that_keeps_everything(
    lines: list[Any], never: int | None, because: int | None
) -> None:
    """A line that no request can reach is refused, and the line that is in its way is named."""
    script = [{"do": line} if isinstance(line, str) else line for line in lines]
    if never is None:
        assert len(parse(script)) == len(script)
        return
    with pytest.raises(SettingsError, match=rf"faults\[{never}\]: never acts, faults\[{because}\]"):
        parse(script)


def test_every_fault_can_be_written_alone() -> None:
    """Each fault with nothing but its name is a line, and so is each with all that it takes."""
    for name, each in BEHAVIOURS.items():
        some: dict[str, Any] = {"shape": "old", "cause": "quota", "share": 1, "retry_after": 0, "keep": 0}
        given = {key: some.get(key, 7) for key in each.takes}
        (bare, full) = parse([{"do": name, "times": 1}, {"do": name, "times": 1, "with": given}])
        assert bare.calls() == full.calls() == each.calls
        assert full.takes.model_fields_set == set(each.takes)


def test_scripts_from_files(tmp_path: Path) -> None:
    """A YAML file gives its lines; a broken one is named with its path."""
    path = tmp_path / "faults.yaml"
    path.write_text(
        "faults:\n  - do: slow\n    with: {delay_ms: 5}\n  - do: refuse-429\n    match: {template: 12}\n"
    )
    slow, refused = load(path)
    assert (slow.takes.delay_ms, refused.match) == (5, {"template": "12"})
    for text in ("faults: [", "- 1\n", "faults: 3\n", "faults:\n  - do: explode\n"):
        path.write_text(text)
        with pytest.raises(SettingsError, match=r"faults\.yaml"):
            load(path)
    with pytest.raises(SettingsError, match=r"missing\.yaml"):
        load(tmp_path / "missing.yaml")
