"""Merging evidence is a join: any order and any repetition of reports end in the same standing."""

from datetime import UTC, datetime
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from zalosync.compose.message import MOVES, RANK, Cause, Status
from zalosync.ledger.records import Known, Standing
from zalosync.provider import STATUSES, Channel, ProviderStatus, Report
from zalosync.refresh.merge import joined, standing_of, stronger

EVIDENCED = (Status.ACCEPTED, Status.REJECTED, Status.UNDELIVERABLE, Status.EXPIRED, Status.DELIVERED)
ZALO, SMS = slice(2, 8), slice(9, 15)

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
    """A report of our message, of whatever kind; two that differ differ in their digest, as on the wire."""
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
    return Known(1, 1, 1, Standing(state, cause, group, status_id, refused=refused))


def after(known: Known, arrived: list[Report]) -> Standing:
    """The standing after these reports have arrived one after another, each merged into the ledger."""
    for report in arrived:
        merged = joined(known, [standing_of(report)])
        if merged is not None:
            known = known._replace(standing=merged.to)
    return known.standing


@given(recorded(), st.lists(reports(), max_size=4, unique_by=lambda report: report.digest[:8]))
def test_order_does_not_matter(known: Known, arrived: list[Report]) -> None:
    """Every order of the same reports ends in the same standing."""
    ends = {after(known, list(order)) for order in permutations(arrived)}
    assert len(ends) == 1


@given(recorded(), st.lists(reports(), max_size=6, unique_by=lambda report: report.digest[:8]), st.data())
def test_repetition_and_cutting_do_not_matter(
    known: Known, arrived: list[Report], data: st.DataObject
) -> None:
    """Reports repeated, and merged in pages of any size, end as if each had come once, alone."""
    repeated = [*arrived, *(data.draw(st.lists(st.sampled_from(arrived), max_size=6)) if arrived else [])]
    merged = joined(known, map(standing_of, repeated))
    whole = merged.to if merged is not None else known.standing
    assert whole == after(known, arrived) == after(known, repeated)


@given(recorded(), st.lists(reports(), max_size=4))
def test_never_moves_back(known: Known, arrived: list[Report]) -> None:
    """The rank of a state never falls, and every move is a legal one of the ledger."""
    merged = joined(known, map(standing_of, arrived))
    if merged is None:
        return
    before = known.standing.state
    assert RANK[merged.to.state] >= RANK[before]
    assert merged.to.state is before or merged.to.state in MOVES[before]
    assert merged.unexpected == (before in (Status.HELD, Status.CANCELLED, Status.RELEASED))
    assert merged.to.refused == known.standing.refused


@given(recorded(), st.lists(reports(), max_size=4, unique_by=lambda report: report.digest[:8]))
def test_channels_are_kept_apart(known: Known, arrived: list[Report]) -> None:
    """Zalo's outcome is what Zalo's reports alone say, the SMS's what its own say; the state follows."""
    whole = after(known, arrived)
    zalo = [report for report in arrived if report.channel is Channel.ZALO]
    sms = [report for report in arrived if report.channel is Channel.SMS]
    if zalo:
        assert whole[ZALO] == after(known, zalo)[ZALO]
    assert whole[SMS] == after(known, sms)[SMS]
    best = max((RANK[after(known, part).state] for part in (zalo, sms)), default=0)
    assert RANK[whole.state] == best


@given(recorded(), reports(), reports())
def test_join_laws(known: Known, one: Report, two: Report) -> None:
    """The join of standings is commutative, associative and idempotent."""
    a, b, c = known.standing, standing_of(one), standing_of(two)
    assert stronger(b, b) == b
    assert stronger(stronger(a, b), c) == stronger(a, stronger(b, c))
    assert stronger(stronger(a, b), b) == stronger(a, b)
    if one.digest[:8] != two.digest[:8]:
        assert stronger(b, c) == stronger(c, b)
    assert stronger(a, b) == stronger(b, a)


@given(reports())
def test_a_report_proves_at_least_acceptance(report: Report) -> None:
    """Whatever a report of our id says, the provider has it; a duplicate id is no rejection."""
    standing = standing_of(report)
    assert standing.state in EVIDENCED
    if report.status is None:
        assert (standing.state, standing.cause) == (Status.ACCEPTED, Cause.RAW)
    elif report.status.id == 23:
        assert standing.state is Status.ACCEPTED


@given(recorded())
def test_nothing_from_nothing(known: Known) -> None:
    """No reports change nothing."""
    assert joined(known, []) is None
