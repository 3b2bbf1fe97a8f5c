"""S11: everything the provider, or something between it and us, can do to a request, over real HTTP.

The sandbox's own count is the oracle: whatever happens to the first requests of a campaign, nobody gets
two, nobody vanishes, and what cannot be known is called unknown.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.lab import Lab, script, truth
from zalosync.apply.conduct import Applied
from zalosync.audit.verify import verify
from zalosync.compose.message import Status, message_id_text
from zalosync.errors import ExitCode
from zalosync.sandbox.behaviours import BEHAVIOURS
from zalosync.sandbox.embedded import EmbeddedSandbox
from zalosync.sandbox.settings import Settings

MESSAGES = 6
SIZES = (1, 2, MESSAGES)  # of a request: one message, some, all
SEEDS = 100
SEND_FAULTS = sorted(name for name in BEHAVIOURS if not name.startswith(("key-", "clock-skew", "full-page")))
# A provider that takes a request and then says, in its own words, that it refused it, lies about what the
# protocol takes for proof. Its own check for duplicates is then all that keeps a second message away.
LIES = {f"accepted-then-{code}" for code in (400, 401, 403, 404, 405, 406, 411, 413, 414, 415, 422, 429)}
# What the sandbox takes for itself twice, or makes of one message two: no fault of the sender.
TWICE = {"duplicates-twice"}
# A provider that says it took what it did not: nobody gets two, and reports will never come.
PHANTOM = {"phantom-accept"}
PROVEN = (Status.ACCEPTED, Status.DELIVERED, Status.UNDELIVERABLE, Status.EXPIRED)


@pytest.fixture
def sandbox(tmp_path: Path, loopback: None) -> Iterator[EmbeddedSandbox]:
    """A sandbox of its own for each story."""
    settings = Settings(logs_per_minute=600, key_bits=2048, check_first=0, check_share=0.0)
    with EmbeddedSandbox(tmp_path / "state", settings=settings) as running:
        yield running


@dataclass(frozen=True, slots=True)
class Meeting:
    """How a campaign meets a fault.

    Attributes:
        messages: of the campaign.
        size: messages of a request.
        requests: which of them meet it.
        share: of the messages of a request that a fault concerns, where it is about some.
    """

    messages: int = MESSAGES
    size: int = 2
    requests: tuple[int, ...] = (1, 2)
    share: float = 0.5

    @classmethod
    def drawn(cls, seed: int) -> "Meeting":
        """One of many ways, the same for the same seed."""
        rng = random.Random(seed)
        messages = rng.randint(1, 12)
        size = rng.randint(1, messages)
        most = -(-messages // size) + 2  # requests, with some that are tried again
        requests = tuple(sorted(rng.sample(range(1, most + 1), rng.randint(1, min(3, most)))))
        return cls(messages, size, requests, rng.choice((0.1, 0.5, 0.9)))


def story(sandbox: EmbeddedSandbox, folder: Path, fault: str, meeting: Meeting) -> None:
    """A run that meets the fault, evidence, and a run that goes on; then the counts."""
    lab = Lab(sandbox, folder, meeting.messages)
    try:
        # A fault of the connection itself meets any call, the test's own too: once is enough of it.
        once = fault.endswith("-on-connect")
        when: dict[str, object] = {"times": 1} if once else {"requests": list(meeting.requests)}
        takes = {"share": meeting.share, "delay_ms": 50}
        given = {name: takes[name] for name in BEHAVIOURS[fault].takes if name in takes}
        script(sandbox, {"do": fault, "with": given, **when})
        first = lab.apply(meeting.size)
        if isinstance(first, Applied) and lab.states()[Status.UNKNOWN]:
            assert first.code in (ExitCode.UNKNOWN, ExitCode.LEDGER), "doubt is said"
        script(sandbox)
        lab.refresh()
        again = lab.apply(meeting.size, patient=True)
        lab.refresh()
        check(lab, sandbox, fault)
        verdict = again.code if isinstance(again, Applied) else again.exit_code
        unknown = lab.states()[Status.UNKNOWN]
        assert (verdict == ExitCode.UNKNOWN) == bool(unknown) or not isinstance(again, Applied)
    finally:
        lab.close()


def check(lab: Lab, sandbox: EmbeddedSandbox, fault: str) -> None:
    """The invariants, by the sandbox's own count."""
    taken = truth(sandbox)
    rows = list(lab.ledger.attempts())
    known = {message_id_text(row[2]): Status(row[10]) for row in rows}
    if fault not in TWICE:
        assert max(taken.values(), default=0) <= 1, "nobody gets two"
        assert set(filter(taken.get, taken)) <= set(known), "the ledger knows all of it"
    for message_id, state in known.items():
        if state in PROVEN and fault not in PHANTOM:
            assert taken.get(message_id), f"{state.word}, and the provider never had it"
        if state is Status.RELEASED and fault not in LIES:
            assert not taken.get(message_id), "released, and the provider took it"
    assert {row[1] for row in rows} == set(lab.phones), "nobody vanishes"
    assert not any(state is Status.INTENT for state in known.values()), "no intent is left"
    assert verify(lab.ledger).ok


@pytest.mark.hostile
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fault", SEND_FAULTS)
def test_each_fault(sandbox: EmbeddedSandbox, tmp_path: Path, fault: str, size: int) -> None:
    """Whatever happens to the first requests, of any size: at most once, nobody lost, doubt said."""
    story(sandbox, tmp_path, fault, Meeting(size=size))


@pytest.mark.hostile
@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("fault", SEND_FAULTS)
def test_each_fault_anywhere(sandbox: EmbeddedSandbox, tmp_path: Path, fault: str, seed: int) -> None:
    """The same in campaigns and requests of any size, at any of them, for some or most of their messages."""
    story(sandbox, tmp_path, fault, Meeting.drawn(seed))
