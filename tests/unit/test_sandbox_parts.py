"""The small parts of the sandbox: checkers, dates, draws, the clock, settings, the store."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from zalosync.sandbox import failover, fates, schedule, validate
from zalosync.sandbox.clock import Clock
from zalosync.sandbox.query import Query
from zalosync.sandbox.settings import Rule, Settings, SettingsError, Shares, load_mapping
from zalosync.sandbox.store import Store
from zalosync.sandbox.throttle import Throttle
from zalosync.sandbox.validate import USUAL, Manner, array, by_type, integer, join, one_of, record, text

NONE = Shares(no_account=0, expired=0, refused=0, provider_error=0, no_report=0)


@pytest.fixture
def store() -> Iterator[Store]:
    """A store in memory."""
    with closing(sqlite3.connect(":memory:")) as connection:
        yield Store(connection)


@pytest.mark.parametrize(
    ("checker", "right", "wrong"),
    [
        (text(2, 3), ["ab", "abc", "đơn"], ["a", "abcd", 5, None, ["ab"]]),
        (text(1), ["a"], [""]),
        (text(0, None, "[a-z]+"), ["abc"], ["aB", "", "abc\n"]),
        (integer(0, 3), [0, 3], [-1, 4, 1.0, "1", True, None]),
        (integer(), [-(2**31), 2**31 - 1], [2**31, -(2**31) - 1]),
        (validate.boolean, [True, False], [0, 1, "true", None]),
        (one_of("A", "B"), ["A"], ["a", "", None, 1, []]),
        (array(integer(), 1, 2), [[1], [1, 2]], [[], [1, 2, 3], ["1"], {}, None]),
        (validate.mapping(integer()), [{}, {"x": 1}], [{"x": "1"}, [], None]),
        (
            validate.date_time,
            ["2026-12-01T02:00:00.000+0000", "2026-12-01T02:00:00Z", "2026-12-01T02:00:00.1+07:00"],
            [
                "2026-12-01",
                "2026-13-01T00:00:00Z",
                "2026-12-01T02:00:00",
                "x",
                5,
            ],
        ),
    ],
)
def test_checkers(checker: validate.Checker, right: list[Any], wrong: list[Any]) -> None:
    """A checker is silent about what is right and says something about what is wrong."""
    assert [checker(value) for value in right] == [None] * len(right)
    assert all(checker(value) for value in wrong)


def test_paths_are_put_together() -> None:
    """The path of a violation leads from the root to the value."""
    inner = record({"to": text(), "size": integer()}, ("to",), manner=USUAL)
    outer = record({"list": array(inner)}, ("list", "name"), manner=USUAL)
    found = outer({"list": [{"to": "a"}, {"size": "x"}, 5]})
    assert found is not None
    assert sorted(path for path, _ in found) == ["list[1].size", "list[1].to", "list[2]", "name"]
    assert (join("a", ""), join("a", "b"), join("a", "[0]")) == ("a", "a.b", "a[0]")


@pytest.mark.parametrize(
    ("manner", "value", "fails"),
    [
        (Manner(), {"a": 1, "x": 2}, False),
        (Manner(unknown_names=False), {"a": 1, "x": 2}, True),
        (Manner(), {"a": 1, "b": None}, True),
        (Manner(nulls=True), {"a": 1, "b": None}, False),
        (Manner(nulls=True), {"a": None}, True),
        (Manner(nulls=True), {}, True),
    ],
)
def test_manners(manner: Manner, value: dict[str, Any], fails: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Unknown names and nulls are taken or refused; what is required is required in any case."""
    checker = record({"a": integer(), "b": integer()}, ("a",), manner=manner)
    assert bool(checker(value)) == fails


def test_choice_by_type() -> None:
    """The `type` decides the shape; without it, or with an unknown one, that is what is said."""
    checker = by_type({"A": record({"type": text(), "n": integer()}, ("n",), manner=USUAL)})
    assert checker({"type": "A", "n": 1}) is None
    for value, path in (({"type": "A"}, "n"), ({"type": "B"}, "type"), ({}, "type"), (5, "")):
        found = checker(value)
        assert found is not None
        assert found[0][0] == path


def test_dates_both_ways() -> None:
    """A date is read in each spelling and written in the provider's."""
    moment = validate.parse_date("2026-12-01T09:00:00.120+07:00")
    assert moment == validate.parse_date("2026-12-01T02:00:00.120+0000")
    assert moment is not None
    assert schedule.stamp(moment) == "2026-12-01T02:00:00.120+0000"
    assert validate.parse_date("tomorrow") is None


def test_queries() -> None:
    """Numbers, lists, choices and dates are read from a query; every problem is kept by its name."""
    query = Query(
        "a=1&ids=x,y&ids=z&b=two&c=0&d=9&kind=A&other=B&since=2026-12-01T02:00:00.000+0000&empty=&bad=x"
    )
    assert query.integer("a", 5, 1, 8) == 1
    assert query.integer("none", 5, 1, 8) == 5
    assert query.names("ids") == ["x", "y", "z"]
    assert query.one_of("kind", ("A",)) == "A"
    assert query.text("empty") is None
    assert query.date("since") == validate.parse_date("2026-12-01T02:00:00.000+0000")
    assert query.problems == {}
    query.integer("b", 5, 1, 8)
    query.integer("c", 5, 1, 8)
    query.integer("d", 5, 1, 8)
    query.one_of("other", ("A",))
    query.date("bad")
    assert sorted(query.problems) == ["b", "bad", "c", "d", "other"]


def test_draws_belong_to_their_message() -> None:
    """The same seed, id and count draw the same numbers; any other one draws others; all lie in [0, 1)."""
    first = fates.draw(1, "m1")
    assert first == fates.draw(1, "m1")
    others = {first, fates.draw(2, "m1"), fates.draw(1, "m2"), fates.draw(1, "m1", 1), fates.draw(-1, "m1")}
    assert len(others) == 5
    assert all(0 <= each.fate < 1 and 0 <= each.delay < 1 for each in others)


def test_draws_are_even() -> None:
    """Over many messages each tenth of the range gets about a tenth of the draws."""
    tenths = [0] * 10
    for n in range(20_000):
        tenths[int(fates.draw(3, f"m{n}").fate * 10)] += 1
    assert all(1800 <= count <= 2200 for count in tenths)


def test_shares_and_rules() -> None:
    """Shares cut the range in order, the rest is delivered; the first rule that matches comes before them."""
    settings = Settings(
        shares=Shares(no_account=0.25, expired=0.25, refused=0, provider_error=0, no_report=0)
    )

    def fate(point: float, settings: Settings = settings) -> str:
        return fates.choose(settings, fates.Draw(point, 0, 0, 0.5), to="84901", template=1, sender="s")

    assert [fate(point) for point in (0.0, 0.24, 0.25, 0.49, 0.5, 0.99)] == [
        "no_account",
        "no_account",
        "expired",
        "expired",
        "delivered",
        "delivered",
    ]
    rules = (Rule(fate="dnd", to="85*"), Rule(fate="dnd", sender="t"), Rule(fate="old_app", to="849*"))
    assert fate(0.0, settings.model_copy(update={"rules": rules})) == "old_app"


def _fates(*rules: Rule, count: int = 20_000) -> Counter[str]:
    settings = Settings(rules=rules, shares=NONE)
    numbers = (fates.draw(3, f"m{n}") for n in range(count))
    return Counter(fates.choose(settings, each, to="84901", template=1, sender="s") for each in numbers)


def test_each_rule_draws_for_itself() -> None:
    """A rule's share is that of the messages which come to it, whatever the rules before it took."""
    found = _fates(
        Rule(fate="no_account", share=0.3),
        Rule(fate="old_app", share=0.3),
        Rule(fate="refused", share=0.3),
        Rule(fate="refused", share=0.3),
    )
    wanted = {"no_account": 0.3, "old_app": 0.21, "refused": 0.147 + 0.1029, "delivered": 0.2401}
    assert {name: round(n / 20_000, 2) for name, n in found.items()} == pytest.approx(wanted, abs=0.011)


def test_a_rule_does_not_move_the_others() -> None:
    """Another rule in front leaves a rule's own choice as it was, but for those that it took itself."""
    settings = Settings(rules=(Rule(fate="refused", share=0.5),), shares=NONE)
    more = settings.model_copy(update={"rules": (Rule(fate="dnd", share=0.2), *settings.rules)})
    for n in range(500):
        numbers = fates.draw(9, f"m{n}")
        alone, behind = (
            fates.choose(each, numbers, to="84901", template=1, sender="s") for each in (settings, more)
        )
        assert behind in (alone, "dnd")


def test_a_rules_share_says_nothing_of_what_follows() -> None:
    """Of messages that a rule leaves without a report about half arrived, as of those without a rule."""
    world = Settings(rules=(Rule(fate="no_report", share=0.3),), shares=NONE)
    chosen = [
        numbers
        for numbers in (fates.draw(5, f"m{n}") for n in range(10_000))
        if fates.choose(world, numbers, to="84901", template=1, sender="s") == "no_report"
    ]
    assert 2800 <= len(chosen) <= 3200
    assert 0.45 <= sum(numbers.sample < 0.5 for numbers in chosen) / len(chosen) <= 0.55


def test_delays() -> None:
    """Half of the delays lie within the median, all within the maximum, none is negative."""
    settings = Settings(delay_median_ms=1000, delay_max_ms=9000)
    delays = sorted(fates.delay_ms(settings, fates.Draw(0, n / 1000, 0, 0)) for n in range(1000))
    assert delays[0] >= 100
    assert delays[499] <= 1000 <= delays[501] + 1
    assert 8000 <= delays[-1] <= 9000
    even = Settings(delay_median_ms=1000, delay_max_ms=1000)
    assert fates.delay_ms(even, fates.Draw(0, 0.99, 0, 0)) == 1000


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("đ" * 70, 1),
        ("đ" * 71, 2),
        ("😀" * 36, 2),
    ],
)
def test_sms_parts(body: str, parts: int) -> None:
    """Parts are counted in the GSM alphabet where it suffices, else in UTF-16 units."""
    assert failover.sms_parts(body) == parts


@pytest.mark.parametrize(
    ("hour", "night"), [(14, False), (15, True), (16, True), (22, True), (23, False), (0, False), (8, False)]
)
def test_night_in_viet_nam(hour: int, night: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Night is 15:00 to 23:00 UTC, which is 22:00 to 06:00 there."""
    moment = validate.parse_date(f"2026-12-01T{hour:02d}:00:00.000+0000")
    assert moment is not None
    assert schedule.is_night(moment) == night


def test_days_and_months_are_vietnamese() -> None:
    """A day and a month begin at 17:00 UTC of the day before."""
    last = validate.parse_date("2026-12-31T16:59:59.999+0000")
    first = validate.parse_date("2026-12-31T17:00:00.000+0000")
    assert last is not None
    assert first is not None
    assert schedule.day_of(first) == schedule.day_of(last) + 1
    assert schedule.month_of(first) == schedule.month_of(last) + 1 == 2027 * 12


def test_the_clock_never_goes_back(store: Store) -> None:
    """The clock runs at its speed, jumps when it is moved, and stands when the machine's clock goes back."""
    machine = [1_000_000]
    clock = Clock(store, speed=10, machine=lambda: machine[0])
    assert clock.now() == 1_000_000
    machine[0] += 100
    assert clock.now() == 1_001_000
    machine[0] -= 50
    assert clock.now() == 1_001_000
    machine[0] += 50
    assert clock.move(5000) == 1_006_000
    with pytest.raises(ValueError, match="forward only"):
        clock.move(-1)
    clock.keep()
    assert Clock(store, machine=lambda: machine[0]).now() == 1_006_000
    assert Clock(store, machine=lambda: machine[0] + 10**9).now() == machine[0] + 10**9 + 5900


def test_a_killed_clock_never_goes_back(store: Store) -> None:
    """Whatever a fast clock has told, a clock that starts after a kill says no less, and little more."""
    machine = [1_000_000]
    clock = Clock(store, speed=600, machine=lambda: machine[0])
    for step in (1, 7, 130, 249, 251, 3000, 0, 1):
        machine[0] += step
        told = clock.now()
        found = Clock(store, speed=600, machine=lambda: machine[0]).now()
        assert told <= found <= told + 250 * 600


def test_real_time_is_kept_as_it_is(store: Store) -> None:
    """A clock that was never moved shows the machine's time after a restart too."""
    Clock(store, machine=lambda: 500).keep()
    assert Clock(store, machine=lambda: 900).now() == 900


def test_settings_say_what_is_wrong(tmp_path: Path) -> None:
    """Unknown names and impossible values are all named at once; a broken file is named with its path."""
    with pytest.raises(SettingsError) as raised:
        Settings.from_mapping({"colour": 1, "key_bits": 5, "push": {"batch": 0}, "rules": [{"fate": "luck"}]})
    for name in ("colour", "key_bits", "push.batch", "rules.0.fate"):
        assert name in str(raised.value)
    broken = tmp_path / "s.yaml"
    broken.write_text("- 1\n")
    with pytest.raises(SettingsError, match=r"s\.yaml"):
        load_mapping(broken)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"delay_median_ms": -1}, "delay_median_ms: Input should be greater than or equal to 0"),
        ({"delay_median_ms": 5000}, "delay_max_ms 4500 is below delay_median_ms 5000"),
        ({"log_lag_ms": -1}, "log_lag_ms: "),
        ({"log_window_ms": -1}, "log_window_ms: "),
        ({"duplicate_window_ms": -1}, "duplicate_window_ms: "),
        ({"logs_per_minute": 0}, "logs_per_minute: "),
        ({"log_rows": 0}, "log_rows: "),
        ({"max_entries": 0}, "max_entries: "),
        ({"daily_quota": -1}, "daily_quota: "),
        ({"price": -0.1}, "price: "),
        ({"balance": float("nan")}, "balance: "),
        ({"seed": 2**64}, "seed: "),
        ({"night_tags": ["OTP"]}, "night_tags.0: "),
        ({"reports_path": "zalo/1/reports"}, "reports_path: "),
        ({"reports_path": "/sandbox/oracle"}, "reports_path: "),
        ({"reports_path": "/zalo/1/logs"}, "reports_path: "),
        ({"shares": {"no_account": 0.6, "expired": 0.5}}, "shares: the shares make 1.11 together"),
        ({"rules": [{"fate": "dnd", "share": 0}]}, "rules.0.share: "),
        ({"rules": [{"fate": "dnd", "to": ""}]}, "rules.0.to: "),
        ({"rules": [{"fate": "dnd"}, {"fate": "silent"}]}, "rules.1: no message gets here, rules.0 takes"),
        (
            {"rules": [{"fate": "dnd", "to": "84*"}, {"fate": "silent", "to": "84*", "template": 1}]},
            "rules.1: no message gets here",
        ),
        ({"senders": ["1"], "rules": [{"fate": "dnd", "sender": "2"}]}, "rules.0: sender 2 is not one of"),
        ({"senders": ["1"], "templates": [{"id": 7, "sender": "2"}]}, "templates.0: sender 2 is not one of"),
        (
            {"templates": [{"id": 7}, {"id": 7, "tag": "PROMOTION"}]},
            "templates.1: template 7 is listed before",
        ),
        (
            {"templates": [{"id": 7, "properties": [{"name": "a", "min_length": 9, "max_length": 3}]}]},
            "templates.0.properties.0: no value is 9 characters at least",
        ),
        ({"credentials": [{"secret": "k"}, {"secret": "k", "scopes": []}]}, "credentials.1: this secret"),
        ({"credentials": [{"scopes": ["zalo:logs"]}]}, "credentials.0.scopes.0: "),
        ({"push": {"delay_ms": -1}}, "push.delay_ms: "),
        ({"push": {"timeout_ms": 0}}, "push.timeout_ms: "),
        ({"push": {"accepts": [20]}}, "push.accepts.0: "),
        ({"push": {"url": "hooks.example/x"}}, "push.url: must be an http or https address"),
        ({"push": {"url": "https://hooks.example/x"}}, "push.url: is another machine"),
        ({"push": {"bad_signature_share": 0.1}}, "push.bad_signature_share: nothing is signed"),
        ({"push": {"duplicate_copies": 3}}, "push.duplicate_copies: no push is repeated"),
        ({"push": {"security": "hmac"}}, "push.security: hmac needs push.secret"),
        ({"push": {"security": "basic"}}, "push.security: basic needs push.user"),
    ],
)
def test_settings_that_could_never_act(values: dict[str, Any], said: str) -> None:
    """A switch that contradicts another, or could do nothing, is refused by its name; no secret is shown."""
    with pytest.raises(SettingsError, match=r"^sandbox settings: ") as raised:
        Settings.from_mapping(values)
    assert said in str(raised.value)
    assert "Value error" not in str(raised.value)
    assert "'k'" not in str(raised.value)


@pytest.mark.parametrize(
    "values",
    [
        {"rules": [{"fate": "dnd", "share": 0.5}, {"fate": "silent"}]},
        {"rules": [{"fate": "dnd", "to": "8490*"}, {"fate": "silent", "to": "84*"}]},
        {"senders": ["1"], "rules": [{"fate": "dnd", "sender": "1"}], "templates": [{"id": 7}]},
        {"templates": [{"id": 7, "sender": "1"}, {"id": 7, "sender": "2"}]},
        {"shares": {"no_account": 0.97}},
        {"push": {"url": "https://hooks.example/x", "only_loopback": False}},
        {"push": {"url": "http://localhost:9/x", "duplicate_share": 0.1, "duplicate_copies": 3}},
        {"reports_path": None},
        {"price": 0, "daily_quota": 0, "delay_median_ms": 0, "delay_max_ms": 0},
    ],
)
def test_settings_that_can_act(values: dict[str, Any]) -> None:
    """What only looks alike is taken."""
    assert Settings.from_mapping(values) == Settings(**values)


def test_secrets_are_not_shown() -> None:
    """Neither an API key nor a signing secret is in the text of the settings."""
    settings = Settings.from_mapping({"credentials": [{"secret": "k-1"}], "push": {"secret": "k-2"}})
    assert "k-1" not in repr(settings)
    assert "k-2" not in repr(settings)


def test_faithful_takes_the_shortcuts_out() -> None:
    """The faithful profile waits as long as the provider would; what is given beside it wins."""
    settings = Settings.faithful(review_ms=5)
    assert (settings.validity_cap_ms, settings.review_ms) == (None, 5)
    assert settings.delay_max_ms > Settings().delay_max_ms


def test_a_failed_write_leaves_nothing(store: Store) -> None:
    """An exception undoes rows, counters and numbers; the next write is as if nothing had been."""
    with store.write():
        store.count("n")

    def fail() -> None:
        with store.write():
            store.count("n", 5)
            store.set_meta("a", 1)
            store.next_seq += 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (store.counter("n"), store.get_meta("a"), store.next_seq) == (1, None, 1)
    with store.write(), store.write():
        store.count("n")
    assert store.counter("n") == 2
    assert store.value("SELECT n FROM counters") == 2


def test_throttles_slide_and_are_remembered(store: Store) -> None:
    """So many calls go through in a span, the refused learn how long to wait, restarts change nothing."""
    throttle = Throttle(store)
    found = [
        throttle.take("k", "logs", now, limit=2, span_ms=100, kept=True) for now in (0, 40, 60, 99, 100, 101)
    ]
    assert found == [0, 0, 40, 1, 0, 39]
    assert throttle.take("other", "logs", 60, limit=2, span_ms=100) == 0
    assert Throttle(store).take("k", "logs", 102, limit=2, span_ms=100, kept=True) == 38
