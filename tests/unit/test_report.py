"""The report for managers: its numbers, its words, and what it may not hold or load."""

import html
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from zalosync.audit import chart
from zalosync.audit.report import render
from zalosync.audit.summary import CHANNELS, Awaited, Origin, Proof, Summary, summarize
from zalosync.compose.message import Status
from zalosync.console.display import display
from zalosync.console.status_text import WORDS
from zalosync.ledger.records import Head, Run, SmsOpen, Tally
from zalosync.refresh.merge import CHANNELS as MERGED

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
HEAD = Head(107, 0, 80, 27, bytes(range(32)))


def tally(state: Status, count: int, **more: int) -> Tally:
    """A cell of the ledger's counts for the campaign `shipped`."""
    names = ("status_group", "status_id", "error_id", "sms_group", "sms_id", "sms_error", "price")
    return Tally(1, "shipped", 1, state, count=count, **(dict.fromkeys(names, 0) | more))


TALLIES = [
    tally(Status.DELIVERED, 700, status_group=3, status_id=5, price=8_400_000),
    tally(Status.DELIVERED, 40, status_group=4, status_id=15, sms_group=3, sms_id=5, price=1_200_000),
    tally(Status.UNDELIVERABLE, 6, status_group=2, status_id=9, error_id=7002),
    tally(Status.UNDELIVERABLE, 5, status_group=2, status_id=9, sms_group=2, sms_id=9, sms_error=27),
    tally(Status.EXPIRED, 4, status_group=4, status_id=15, sms_group=2, sms_id=9, sms_error=27),
    tally(Status.EXPIRED, 1, status_group=4, status_id=29),
    tally(Status.ACCEPTED, 20, status_group=1, status_id=7),
    tally(Status.REJECTED, 3, status_group=5, status_id=14),
    tally(Status.UNKNOWN, 21),
    tally(Status.ACCEPTED, 0),
]
MESSAGES = 800


def run(number: int = 1, **started: object) -> Run:
    """A run that ended well."""
    record = {"actor": "an@example.vn", "campaigns": ["shipped"], "plan_digest": "sha256:" + "ab" * 32}
    ended = {"exit_code": 0, "reason": "", "totals": {"accepted": 779, "unknown": 21}}
    at = int(NOW.timestamp() * 1000) - 3_600_000
    return Run(number, f"run-{number}", "apply", at, record | started, at + 9_000, ended)


def summary(
    *runs: Run,
    proof: Proof | None = None,
    names: dict[str, str] | None = None,
    awaited: Awaited | None = None,
) -> Summary:
    """The made-up campaign, with these runs."""
    oldest = int((NOW - timedelta(hours=3)).timestamp())
    return summarize(
        Origin("shop", "production", currency="EUR", names=names or {}),
        TALLIES,
        runs or (run(),),
        {(1, Status.UNKNOWN): (21, oldest), (1, Status.HELD): (5, oldest)},
        awaited or {},
        head=HEAD,
        lineage="cafe",
        proof=proof or Proof(107, ()),
        now=NOW,
    )


AUDIENCES = {"shipped": {"occurrence": 1, "rows": 1000, "skipped": {"invalid-phone": 150, "no-consent": 50}}}


class Page(HTMLParser):
    """The tags of a page, with their attributes, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.text += data + " "


def test_every_message_is_counted_once_and_the_whole_balances() -> None:
    """Taken, refused and doubtful make all attempts; delivered, awaited and failed make what was taken."""
    campaign = summary().campaigns[0]
    assert campaign.attempts == MESSAGES
    assert campaign.taken + campaign.states[Status.REJECTED] + campaign.doubtful == MESSAGES
    arrived = sum(campaign.by_channel.values())
    assert arrived + campaign.states[Status.ACCEPTED] + campaign.undelivered == campaign.taken == 776


def test_failures_stand_by_frequency_in_plain_words() -> None:
    """A failure tells in words what happened and what to do, by its error; what failed alike is one line."""
    failures = summary().campaigns[0].failures
    assert [each.count for each in failures] == [9, 6, 3, 1]
    words = [each.meaning.words for each in failures]
    assert words[1] == "the number has no Zalo account"
    assert words[3] == "no report came; the message may have arrived"
    assert failures[0].channel == "SMS"


def test_who_may_have_an_sms_has_not_failed() -> None:
    """Whose SMS has no outcome counts apart, on the page too, and everything still balances."""
    undeliverable, rejected = (6, 2, 9, 7002, 0, 0, 0), (5, 5, 14, 0, 0, 0, 0)
    oldest = int(NOW.timestamp())
    awaited = SmsOpen({undeliverable: 1}, oldest)
    lost = SmsOpen({undeliverable: 4, rejected: 2}, oldest)
    told = summary(awaited={(1, 1): (awaited, lost)})
    (campaign,) = told.campaigns
    assert (campaign.sms_waiting, campaign.sms_unknown) == (1, 6)
    assert (campaign.undelivered, campaign.refused) == (11, 1)
    assert [each.count for each in campaign.failures] == [9, 1, 1, 1]
    assert campaign.taken + campaign.refused + campaign.doubtful == MESSAGES
    ends = (Status.DELIVERED, Status.ACCEPTED)
    known = sum(campaign.states[state] for state in ends) + campaign.undelivered
    assert known + campaign.sms_waiting + campaign.sms_unknown == campaign.taken
    page = Page(render(told)).text
    assert "6 of unknown SMS outcome, 0.8 %" in page
    assert "12 not delivered, 1.5 %" in page
    assert page.count(WORDS["sms_waiting"]) == page.count(WORDS["sms_unknown"]) == 3  # tile, drawing, table
    assert "6 messages of shipped failed on Zalo, and no report of their SMS came" in page
    assert "SMS outcome" not in Page(render(summary())).text


def test_channels_are_those_that_evidence_writes() -> None:
    """The report reads the numbers of channels as the merge of evidence wrote them."""
    assert {number: channel.value.lower() for channel, number in MERGED.items()} == {
        number: name.lower() for number, name in CHANNELS.items()
    }


def test_the_waterfall_starts_at_the_rows_that_were_read() -> None:
    """Where the run recorded its audience and it fits the ledger, the rows and why some were skipped show."""
    page = Page(render(summary(run(audiences=AUDIENCES)))).text
    assert "in the audience 1,000" in page
    assert "no valid mobile number 150 15.0 %" in page
    assert "no consent on record 50" in page


def test_an_audience_that_changed_since_is_not_drawn_as_if_it_were_the_same() -> None:
    """Rows that do not add up to the ledger's messages stay out of the waterfall."""
    audiences = {"shipped": {"occurrence": 1, "rows": 900, "skipped": {"no-consent": 50}}}
    page = Page(render(summary(run(audiences=audiences)))).text
    assert "in the audience" not in page
    assert "Of 900 rows that run run-1 read." in page


def test_the_audience_is_that_of_the_last_run_also_under_an_older_name() -> None:
    """A campaign that was renamed keeps its numbers and shows its present name."""
    later = {"sent": {"occurrence": 1, "rows": 1000, "skipped": {"no-consent": 200}}}
    told = summary(run(audiences=AUDIENCES), run(2, audiences=later), names={"shipped": "sent"})
    assert told.campaigns[0].name == "sent"
    planned = told.campaigns[0].planned
    assert planned is not None
    assert (planned.run_id, dict(planned.skipped)) == ("run-2", {"no-consent": 200})


def test_bars_stay_on_the_drawing_and_touch_without_overlap() -> None:
    """Bars of one group follow each other, the longest fills the width, and one of a million is seen."""
    steps = [
        chart.Step("all", 1_000_000, 0, 0, "rows"),
        chart.Step("most", 999_999, 0, 0, "good"),
        chart.Step("one", 1, 0, 999_999, "bad"),
    ]
    bars = chart.waterfall(steps)
    right = chart.WIDTH - chart.NUMBERS
    assert bars[0].x == chart.LABELS
    assert bars[0].x + bars[0].width == right
    assert bars[2].width == chart.LEAST
    assert all(bar.x >= chart.LABELS and bar.x + bar.width <= right + 0.1 for bar in bars)
    assert all(later.y - earlier.y == chart.ROW for earlier, later in pairwise(bars))
    assert chart.waterfall([]) == ()


def test_every_number_of_the_drawing_stands_in_a_table_too() -> None:
    """Who cannot see the drawing reads the same labels and counts."""
    page = render(summary(run(audiences=AUDIENCES)))
    drawing = page[page.index("<svg") : page.index("</svg>")]
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", drawing)
    table = page[page.index("</svg>") :]
    rest = Page(table).text
    assert len(texts) > 20
    assert all(" ".join(html.unescape(text).split()) in rest for text in texts)


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    """No script, link, image, frame, form or handler; and a policy that forbids all but its own style."""
    page = Page(render(summary()))
    names = {tag for tag, _ in page.tags}
    assert not names & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "a",
        "audio",
        "video",
    }
    attributes = {name for _, found in page.tags for name in found}
    assert not attributes & {"src", "href", "style", "srcset", "action", "background"}
    assert not [name for name in attributes if name.startswith("on")]
    policy = next(found["content"] for tag, found in page.tags if tag == "meta" and "http-equiv" in found)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "<b>&amp;", '" onload="x', "a\u202eb\x1b[2J"])
def test_names_cannot_become_markup_or_hide(text: str) -> None:
    """Whoever names a campaign or a person cannot write into the page."""
    told = summarize(
        Origin(text, text, currency=text, names={"shipped": text}),
        TALLIES,
        [run(actor=text, commit=text, campaigns=[text], approvals=[{"name": text}])],
        {},
        {},
        head=HEAD,
        lineage="cafe",
        proof=Proof(1, (text,)),
        now=NOW,
    )
    page = Page(render(told, gate=display))
    plain = Page(render(summary(run(approvals=[{"name": "x"}]), proof=Proof(1, ("x",)))))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags} | {"code"}
    assert page.text.count(" ".join(display(text).split())) >= 5  # shown as text, wherever it is shown
    assert not {"\u202e", "\x1b"} & set(page.text)


def test_a_history_that_does_not_fit_is_the_first_thing_said() -> None:
    """A changed ledger raises an alarm above all numbers, with what does not fit."""
    page = Page(render(summary(proof=Proof(107, ("event 5: the hash differs",))))).text
    assert "history does not fit" in page
    assert "event 5: the hash differs" in page
    assert page.index("does not fit its own history") < page.index("shipped")


def test_unknown_messages_say_until_when_evidence_can_come() -> None:
    """What may have been sent is named with the hour when the provider's logs forget it."""
    page = Page(render(summary(), zone=ZoneInfo("Asia/Ho_Chi_Minh"))).text
    assert "21 messages of shipped may or may not have been sent." in page
    assert "can still tell about it until 2026-11-25 22:00" in page
    late = summarize(
        Origin("shop", "production"),
        TALLIES,
        [],
        {(1, Status.UNKNOWN): (21, int((NOW - timedelta(hours=49)).timestamp()))},
        {},
        head=HEAD,
        lineage="",
        proof=None,
        now=NOW,
    )
    page = Page(render(late)).text
    assert "no longer reach back that far" in page
    assert "history not checked" in page


def test_runs_say_who_approved_and_how_they_ended() -> None:
    """Each run names its actor, its approvals and its end in words; a killed run says so."""
    killed = Run(2, "run-2", "apply", 0, {"actor": None}, None, None)
    stopped = Run(3, "run-3", "apply", 0, {}, 1, {"exit_code": 5, "reason": "breaker", "totals": {}})
    odd = Run(4, "run-4", "apply", 0, {}, 1, {"exit_code": 77})
    told = summary(run(approvals=[{"name": "Bình"}, {"name": "Châu"}]), killed, stopped, odd)
    page = Page(render(told)).text
    assert "an@example.vn Bình, Châu" in page
    assert "has not ended: it runs, or was killed" in page
    assert "stopped early: breaker" in page
    assert "exit 77" in page


def test_a_ledger_without_messages_makes_a_page() -> None:
    """Before the first apply there is a report too, and it says that nothing was sent."""
    empty = summarize(
        Origin("shop", "sandbox"), [], [], {}, {}, head=HEAD, lineage="", proof=Proof(1, ()), now=NOW
    )
    page = Page(render(empty)).text
    assert "Nothing was sent yet." in page
    assert "No run yet." in page


@pytest.mark.parametrize(
    ("count", "whole", "shown"),
    [
        (0, 10, "0.0 %"),
        (1, 1_000_000, "< 0.1 %"),
        (999_999, 1_000_000, "> 99.9 %"),
        (10, 10, "100.0 %"),
        (5, 0, ""),
    ],
)
def test_shares_never_round_some_to_none_or_nearly_all_to_all(count: int, whole: int, shown: str) -> None:
    """One failure in a million does not look like none."""
    from zalosync.audit.report import _share

    assert _share(count, whole).replace("\N{NO-BREAK SPACE}", " ") == shown
