"""Merging evidence is a join: any order and any repetition of reports end in the same standing."""

from datetime import UTC, datetime
from itertools import permutations

from hypothesis import example, given
from hypothesis import strategies as st

from zalosync.compose.message import MOVES, RANK, Cause, Status
from zalosync.ledger.records import Known, Standing
from zalosync.provider import STATUSES, Channel, ProviderStatus, Report
from zalosync.refresh.merge import Evidence, joined, moves, stronger, told_by

EVIDENCED = (Status.ACCEPTED, Status.REJECTED, Status.UNDELIVERABLE, Status.EXPIRED, Status.DELIVERED)
ZALO, SMS = slice(6, 11), slice(12, 17)

pairs = st.one_of(
    st.sampled_from(sorted(STATUSES)),
    st.tuples(st.integers(-1, 6), st.integers(-5, 5000)),  # what the provider may invent
)
statuses = st.none() | pairs.map(lambda pair: ProviderStatus(pair[0], "GROUP", pair[1], "NAME"))
moments = st.none() | st.integers(1_790_000_000, 1_790_000_003).map(
    lambda at: datetime.fromtimestamp(at, UTC)
)


@st.composite
def reports(draw: st.DrawFn, channels: tuple[Channel, ...] = tuple(Channel)) -> Report:
    """A report of our message, of whatever kind."""
    return Report(
        message_id="zs1-A",
        channel=draw(st.sampled_from(channels)),
        status=draw(statuses),
        error_id=draw(st.integers(0, 3)),
        sent_at=None,
        done_at=draw(moments),
        price=draw(st.none() | st.integers(0, 3)),
        currency=None,
        recipient=None,
        digest=draw(st.binary(min_size=16, max_size=16)),
    )


@st.composite
def recorded(draw: st.DrawFn) -> Known:
    """An attempt as an answer, a crash or a person may have left it."""
    state = draw(st.sampled_from(Status))
    group, status_id = draw(st.sampled_from([(0, 0), (1, 7), (1, 26), (5, 52), (5, 23), (2, 999)]))
    if state in (Status.REJECTED, Status.UNDELIVERABLE, Status.EXPIRED, Status.DELIVERED):
        fitting = sorted(pair for pair, proven in STATUSES.items() if proven is state)
        group, status_id = draw(st.sampled_from(fitting))
    refused = status_id if state is Status.REJECTED else 0
    cause = draw(st.sampled_from(Cause))
    return Known(b"m" * 20, 1, 1, 1, state, cause, group, status_id, refused=refused)


def moved(known: Known, to: Standing) -> Known:
    """The attempt as the ledger knows it afterwards: the digests of what said so are in its events."""
    return Known._make((*known[:4], *to[:7], *to[8:14]))


def at_once(known: Known, arrived: list[Report]) -> Known:
    """The attempt after these reports were gathered and merged into the ledger in one go."""
    evidence = Evidence()
    for report in arrived:
        evidence.add(known.message_id, told_by(report), sms=report.channel is Channel.SMS)
    to = joined(known, evidence.zalo.get(known.message_id), evidence.sms.get(known.message_id))
    return known if to is None else moved(known, to)


def after(known: Known, arrived: list[Report]) -> Known:
    """The attempt after these reports have arrived one after another, each merged into the ledger."""
    for report in arrived:
        known = at_once(known, [report])
    return known


def several(size: int) -> st.SearchStrategy[list[Report]]:
    """Some reports."""
    return st.lists(reports(), max_size=size)


def raw(channel: Channel, status: ProviderStatus | None) -> Report:
    """A report that says nothing but its status."""
    return Report("zs1-A", channel, status, 0, None, None, None, None, None, b"d" * 16)


ODD = ProviderStatus(0, "GROUP", -1, "NAME")
BARE_ZALO = raw(Channel.ZALO, None)
WAITING_SMS = raw(Channel.SMS, ProviderStatus(1, "PENDING", 3, "PENDING_WAITING_DELIVERY"))


@example(Known(b"m" * 20, 1, 1, 1, Status.INTENT), [BARE_ZALO, WAITING_SMS])
@example(
    Known(b"m" * 20, 1, 1, 1, Status.INTENT), [BARE_ZALO, raw(Channel.ZALO, ProviderStatus(1, "G", 0, "N"))]
)
@given(recorded(), several(4))
def test_order_does_not_matter(known: Known, arrived: list[Report]) -> None:
    """Every order of the same reports ends in the same standing."""
    ends = {after(known, list(order)) for order in permutations(arrived)}
    assert len(ends) == 1


@given(recorded(), several(6), st.data())
def test_repetition_and_cutting_do_not_matter(
    known: Known, arrived: list[Report], data: st.DataObject
) -> None:
    """Reports repeated, and merged in pages of any size, end as if each had come once, alone."""
    more = data.draw(st.lists(st.sampled_from(arrived), max_size=6)) if arrived else []
    repeated = arrived + more
    cut = data.draw(st.integers(0, len(repeated)))
    first = at_once(known, repeated[:cut])
    assert at_once(known, repeated) == at_once(first, repeated[cut:])
    assert at_once(known, repeated) == after(known, arrived) == after(known, repeated)


@example(Known(b"m" * 20, 1, 1, 1, Status.INTENT), [BARE_ZALO, WAITING_SMS])
@example(Known(b"m" * 20, 1, 1, 1, Status.INTENT), [WAITING_SMS, BARE_ZALO])
@example(Known(b"m" * 20, 1, 1, 1, Status.INTENT), [BARE_ZALO, raw(Channel.ZALO, ODD)])
@given(recorded(), several(4))
def test_what_is_known_already_changes_nothing(known: Known, arrived: list[Report]) -> None:
    """Merging the same again gives no move at all, so that a repeated page writes nothing."""
    merged = after(known, arrived)
    for report in arrived:
        sms = report.channel is Channel.SMS
        told = told_by(report)
        assert joined(merged, None if sms else told, told if sms else None) is None
    assert joined(known, None, None) is None


@given(st.lists(st.tuples(recorded(), several(2), several(2)), max_size=6))
def test_many_at_once_end_as_each_alone(cases: list[tuple[Known, list[Report], list[Report]]]) -> None:
    """Attempts that are joined once because they are alike go where each of them would go by itself."""
    evidence = Evidence()
    attempts, alone = [], {}
    for row, (known, before, arrived) in enumerate(cases):
        attempt = after(known, before)._replace(message_id=row.to_bytes(20), row=row)
        attempts.append(attempt)
        for report in arrived:
            evidence.add(attempt.message_id, told_by(report), sms=report.channel is Channel.SMS)
        said = (channel.get(attempt.message_id) for channel in (evidence.zalo, evidence.sms))
        to = joined(attempt, *said)
        if to is not None:
            alone[row] = (attempt[2:], to)
    steps, alike = moves(attempts, evidence)
    together = {step.before.row: (step.before[2:], step.to) for step in steps}
    for each in alike:
        for row, done_at, digest in each.told:
            together[row] = (each.before[2:], each.to._replace(done_at=done_at, evidence=digest))
    assert together == alone


@given(recorded(), several(4))
def test_never_moves_back(known: Known, arrived: list[Report]) -> None:
    """The rank of a state never falls, and every move is a legal one of the ledger."""
    before, to = Status(known.state), at_once(known, arrived)
    assert RANK[Status(to.state)] >= RANK[before]
    assert to.state == before or to.state in MOVES[before]
    assert to.refused == known.refused


@given(recorded(), several(4))
def test_channels_are_kept_apart(known: Known, arrived: list[Report]) -> None:
    """Zalo's outcome is what Zalo's reports alone say, the SMS's what its own say; the state follows."""
    whole = after(known, arrived)
    zalo = after(known, [report for report in arrived if report.channel is Channel.ZALO])
    sms = after(known, [report for report in arrived if report.channel is Channel.SMS])
    rank = max(RANK[Status(zalo.state)], RANK[Status(sms.state)])
    assert RANK[Status(whole.state)] == rank
    if RANK[Status(zalo.state)] >= RANK[Status.ACCEPTED]:
        assert whole[ZALO] == zalo[ZALO]
    assert whole[SMS] == sms[SMS]


@given(reports(), reports(), reports())
def test_join_laws(one: Report, two: Report, three: Report) -> None:
    """The join of what reports say is commutative, associative and idempotent."""
    a, b, c = told_by(one), told_by(two), told_by(three)
    assert stronger(a, a) == a
    assert stronger(a, b) == stronger(b, a)
    assert stronger(stronger(a, b), c) == stronger(a, stronger(b, c))


@given(reports())
def test_a_report_proves_at_least_acceptance(report: Report) -> None:
    """Whatever a report of our id says, the provider has it; a duplicate id is no rejection."""
    _, _, (_, state, _, _, _, cause), _ = told_by(report)
    assert state in EVIDENCED
    if report.status is None:
        assert (state, cause) == (Status.ACCEPTED, Cause.RAW)
    elif report.status.id == 23:
        assert state is Status.ACCEPTED
