"""S11: everything the provider, or something between it and us, can do to a request, over real HTTP.

The sandbox's own count is the oracle: whatever happens to the first requests of a campaign, nobody gets
two, nobody vanishes, and what cannot be known is called unknown.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lab import Lab, script, truth
from zalosync.apply.execute import Applied
from zalosync.audit.verify import verify
from zalosync.compose.message import Status, message_id_text
from zalosync.errors import ExitCode
from zalosync.sandbox.behaviours import BEHAVIOURS
from zalosync.sandbox.embedded import EmbeddedSandbox
from zalosync.sandbox.settings import Settings

MESSAGES = 6
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


def story(sandbox: EmbeddedSandbox, folder: Path, fault: str, size: int) -> None:
    """A run that meets the fault, evidence, and a run that goes on; then the counts."""
    lab = Lab(sandbox, folder, MESSAGES)
    try:
        # A fault of the connection itself meets any call, the test's own too: once is enough of it.
        when: dict[str, object] = {"times": 1} if fault.endswith("-on-connect") else {"requests": [1, 2]}
        takes = {"share": 0.5, "delay_ms": 50}
        given = {name: takes[name] for name in BEHAVIOURS[fault].takes if name in takes}
        script(sandbox, {"do": fault, "with": given, **when})
        first = lab.apply(size)
        if isinstance(first, Applied) and lab.states()[Status.UNKNOWN]:
            assert first.code in (ExitCode.UNKNOWN, ExitCode.LEDGER), "doubt is said"
        script(sandbox)
        lab.refresh()
        again = lab.apply(size)
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
@pytest.mark.parametrize("fault", SEND_FAULTS)
def test_each_fault(sandbox: EmbeddedSandbox, tmp_path: Path, fault: str) -> None:
    """Whatever happens to the first requests: at most once, nobody lost, doubt said."""
    story(sandbox, tmp_path, fault, 2)


@pytest.mark.hostile
@pytest.mark.nightly
@pytest.mark.parametrize("size", [1, 3, MESSAGES])
@pytest.mark.parametrize("fault", SEND_FAULTS)
def test_each_fault_in_each_size(sandbox: EmbeddedSandbox, tmp_path: Path, fault: str, size: int) -> None:
    """The same with requests of one, several and all messages."""
    story(sandbox, tmp_path, fault, size)
