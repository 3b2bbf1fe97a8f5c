"""`zalosync ledger adopt` and what `apply` does with its plan: people who were messaged before the ledger."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from zalosync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from zalosync.cli.sealed import Approved
    from zalosync.cli.session import Session
    from zalosync.console.progress import Reporter
    from zalosync.ledger.store import Ledger
    from zalosync.plan.adopt import Attempts
    from zalosync.plan.shape import Plan
    from zalosync.spec.loaded import LoadedCampaign

MOST_ATTEMPTS = 10  # of one message, by the language of specs
_SOURCE = "adopts_from"  # where a sealed plan's record has the files


def plan_adoption(session: "Session", campaign: str, audience: Path | None, output: Path) -> int:
    """Seal a plan that marks people as already sent: those of a file, or those whom the logs know."""
    from zalosync.cli.drawing import draw
    from zalosync.cli.jobs import check_clean
    from zalosync.cli.targets import check_plan
    from zalosync.cli.who import who
    from zalosync.console.plan_text import sealed_lines
    from zalosync.console.planned import plan_document
    from zalosync.console.text import say
    from zalosync.ledger.pin import pin_of, write_pin
    from zalosync.plan.adopt import build_adoption, every_first
    from zalosync.plan.approve import approvals_needed
    from zalosync.plan.bundle import seal

    check_plan(output)
    session.check_job()  # before any secret is read, and any log
    origin = who(session.root, session.environ)
    check_clean(session.environ, dirty=origin["dirty"], rehearsal=session.rehearses)
    loaded = session.project.campaign(campaign)
    files = None if audience is None else (_inside(session, audience),)
    with session.reporter() as emit, session.asked_provider() as provider, session.reader() as reader:
        attempts = every_first if files else _from_logs(session, provider.client, loaded, emit)
        built = build_adoption(
            session.project,
            loaded,
            reader,
            session.keys,
            base_url=provider.base_url,
            files=files,
            attempts=attempts,
            now=session.clock.now(),
            emit=emit,
        )
        with built:
            emit.close()
            needed = approvals_needed(session.project, built.contacts)
            document = plan_document(built, zone=session.project.spec.timezone, needed=needed)
            record = {**origin, "plan": document, _SOURCE: files}
            seal(output, built, session.keys, record)
            write_pin(session.home.pin_path, session.home.environment, pin_of(reader))
            draw(document, "json" if session.options.json else "text")
            if not session.options.json:
                say(sealed_lines(output.name))
    return ExitCode.DONE


def apply_adoption(
    session: "Session", approved: "Approved", ledger: "Ledger", base_url: str, emit: "Reporter"
) -> int:
    """Mark what a sealed plan of this kind says; gives how many messages that were.

    Raises:
        PlanRefused: the people are not those who were planned.
    """
    from zalosync.apply.adopt import adopt
    from zalosync.cli.who import who
    from zalosync.plan.adopt import as_sealed
    from zalosync.plan.check import check_same

    sealed = approved.sealed
    with _again(session, approved, ledger, base_url, emit, as_sealed) as built:
        check_same(sealed, built)
        record = {**who(session.root, session.environ), "approvals": approved.record}
        return adopt(ledger, built, session.keys, digest=sealed.digest, who=record, clock=session.clock)


def _again(
    session: "Session",
    approved: "Approved",
    ledger: "Ledger",
    base_url: str,
    emit: "Reporter",
    as_sealed: Any,
) -> "Plan":
    """The same plan from the inputs of now; which attempt a message was, the sealed one says."""
    from zalosync.errors import PlanRefused
    from zalosync.plan.adopt import build_adoption

    sealed = approved.sealed
    (name,) = sealed.messages
    found = [each for each in session.project.campaigns if each.first_name == name]
    if not found:
        raise PlanRefused(f"there is no campaign {name} any more", fix="plan again", code="ZS530")
    files: Sequence[str] | None = sealed.document["record"][_SOURCE]
    return build_adoption(
        session.project,
        found[0],
        ledger,
        session.keys,
        base_url=base_url,
        files=files,
        attempts=as_sealed(sealed.messages[name]),
        now=session.clock.now(),
        emit=emit,
    )


def _inside(session: "Session", audience: Path) -> str:
    try:
        return audience.resolve().relative_to(session.root).as_posix()
    except ValueError as error:
        raise UsageError(
            "the file with the people is not in the project", fix="put it there: Git may ignore it"
        ) from error


def _from_logs(session: "Session", client: Any, loaded: "LoadedCampaign", emit: "Reporter") -> "Attempts":
    """Which attempts the provider's logs know, by the ids that this project's key gives them."""
    from zalosync.compose.digests import whole
    from zalosync.compose.message import Identity

    known = _ids_in_logs(session, client, emit)
    spec = loaded.campaign.spec
    identity = Identity(session.keys, loaded.first_name, spec.occurrence)
    most = spec.retry.max_attempts if spec.retry else 1

    def attempts(messages: pl.DataFrame) -> pl.Series:
        found = [
            next((n for n in range(most, 0, -1) if identity.message_id(message, n) in known), None)
            for message in whole(messages["m0"], messages["m1"])
        ]
        return pl.Series(found, dtype=pl.UInt64)

    return attempts


def _ids_in_logs(session: "Session", client: Any, emit: "Reporter") -> frozenset[bytes]:
    """Our message ids in all log rows that the provider still has; waits as its limit asks."""
    from zalosync.cli.settling import throttle_of
    from zalosync.compose.message import Maker, message_id_bytes
    from zalosync.events import PhaseAdvanced, PhaseEnded, PhaseStarted
    from zalosync.infobip.slices import LOOK_BACK, Slice, cut, sweep
    from zalosync.refresh.asking import Logs

    logs = Logs(client, throttle_of(session), session.clock, emit, wait=True)
    until = client.server_date or session.clock.now()
    found: set[bytes] = set()
    maker = Maker(session.keys)
    whole = Slice(until - LOOK_BACK, until + timedelta(seconds=1))
    emit(PhaseStarted("logs", None, "rows"))
    rows = 0
    # One query first: most accounts have fewer rows than a page holds, and then it is all there is.
    for _, page in sweep(cut(whole, LOOK_BACK * 2), lambda one: _page(logs, one)):
        rows += len(page.rows)
        for row in page.rows:
            message_id = message_id_bytes(row.message_id)
            if message_id is not None and maker.made(message_id):
                found.add(message_id)
        emit(PhaseAdvanced("logs", rows))
    emit(PhaseEnded("logs", f"{len(found):,} messages of this project's key"))
    return frozenset(found)


def _page(logs: Any, one: Any) -> Any:
    page = logs.page(since=one.since, until=one.until, limit=1000)
    assert page is not None, "a page that is waited for comes"
    return page
