"""`zalosync plan`: what would be sent, to how many, at what cost, and what is dropped and why."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.cli.targets import check_plan, check_skips
from zalosync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from zalosync.compose.pool import Early
    from zalosync.compose.preview import Preview
    from zalosync.console.progress import Reporter
    from zalosync.plan.shape import Plan
    from zalosync.spec.loaded import LoadedCampaign

    Samples = Mapping[str, Sequence[Preview]]

FORMATS = ("text", "json", "markdown", "html")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said."""

    output: Path | None
    skips: Path | None
    preview: bool
    format: str
    explain: bool
    named: bool = False  # only some campaigns were asked for


@click.command(
    epilog="Example: zalosync plan order-shipped -o release.zsplan",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("campaign", nargs=-1)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Seal the plan into FILE."
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="How it is printed [text].")
@click.option("--explain", is_flag=True, help="Also why rows have their fate, and what messages look like.")
@click.option(
    "--skips",
    type=click.Path(path_type=Path, dir_okay=False),
    help="List the skipped rows in FILE (.csv or .jsonl): file, line, reason; no phones.",
)
@click.option("--changed-since", "reference", metavar="REF", help="Only campaigns changed since this commit.")
@click.option("--preview", is_flag=True, help="Counts only: no key, no ledger, no network; never applicable.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is something to send, 0 when not.")
def plan(
    options: Options,
    campaign: tuple[str, ...],
    *,
    output: Path | None,
    form: str | None,
    explain: bool,
    skips: Path | None,
    reference: str | None,
    preview: bool,
    detailed_exitcode: bool,
) -> int:
    """Show what applying the specs would do. Never writes to the ledger, never sends."""
    form = form or ("json" if options.json else "text")
    if preview and output is not None:
        raise UsageError("a preview cannot be applied, so it is not sealed", fix="leave out --preview or -o")
    if options.json and form != "json":
        raise UsageError("--json and --format exclude each other", fix="give one of them")
    if output is not None:
        check_plan(output)
    if skips is not None:
        check_skips(skips)
    asked = Asked(output, skips, preview, form, explain, named=bool(campaign))
    session = Session(options)
    campaigns = session.campaigns(campaign)
    if reference is not None:
        from zalosync.cli.changed import changed_since

        campaigns = changed_since(session.project, campaigns, reference)
    with session.reporter() as emit, _early(session, campaigns) as early:
        samples: Samples = {}
        if preview:
            built = _preview(session, campaigns, emit, early)
        else:
            built, samples = _plan(session, campaigns, emit, asked, early)
        with built:
            emit.close()
            _show(session, built, asked, samples)
            if built.blocked:
                return ExitCode.BLOCKED
            return ExitCode.CHANGES if detailed_exitcode and built.to_send else ExitCode.DONE


def _early(session: Session, campaigns: "Sequence[LoadedCampaign]") -> "Early":
    """The worker processes, where they are needed: they start while the provider and the ledger are asked."""
    from zalosync.compose.pool import Early
    from zalosync.compose.prepare import takes_processes

    return Early(start=takes_processes(session.project, campaigns))


def _plan(
    session: Session, campaigns: "Sequence[LoadedCampaign]", emit: "Reporter", asked: Asked, early: "Early"
) -> "tuple[Plan, Samples]":
    """The plan, and what some of its messages look like; sealed where that was asked for."""
    from zalosync.cli import quotas, senders
    from zalosync.cli.jobs import check_clean
    from zalosync.cli.key_sizes import remember, seen
    from zalosync.cli.who import who
    from zalosync.ledger.pin import pin_of, write_pin
    from zalosync.plan.build import Known, build
    from zalosync.plan.bundle import seal

    project = session.project
    session.check_job()  # before any secret is read
    with ExitStack() as stack:
        provider = stack.enter_context(session.asked_provider())
        reader = stack.enter_context(session.reader())
        found = senders.fetch(
            provider.client,
            campaigns,
            project.environment,
            reader.notes(),
            sizes=seen(session.key_sizes),
            emit=emit,
        )
        remember(session.key_sizes, found.keys)
        built = build(
            project,
            campaigns,
            reader,
            session.keys,
            base_url=provider.base_url,
            known=Known(found.planned, quotas.fetch(provider.client, campaigns, session)),
            now=session.clock.now(),
            content=False,
            emit=emit,
            whole=not asked.named,
            pool=early.take,
        )
        samples = _samples(session, built, asked)
        if asked.output is not None and not built.blocked:
            record = who(session.root, session.environ)
            check_clean(session.environ, dirty=record["dirty"], rehearsal=session.rehearses)
            seal(asked.output, built, session.keys, {**record, "plan": _document(session, built, samples)})
            write_pin(session.home.pin_path, session.home.environment, pin_of(reader))
    return built, samples


def _preview(
    session: Session, campaigns: "Sequence[LoadedCampaign]", emit: "Reporter", early: "Early"
) -> "Plan":
    """Counts under a key that is thrown away: two previews of the same people cannot be linked."""
    import os

    from zalosync.cli.key_sizes import ASSUMED_BITS, seen
    from zalosync.compose.message import KEY_BYTES, Keys
    from zalosync.compose.values import byte_budget
    from zalosync.plan.build import Known, SenderKey, build
    from zalosync.plan.history import NoHistory

    base_url = session.project.environment.base_url
    bits, senders = seen(session.key_sizes), {each.campaign.spec.sender for each in campaigns}
    keys = {each: SenderKey(byte_budget(bits.get(each, ASSUMED_BITS)), "") for each in senders}
    return build(
        session.project,
        campaigns,
        NoHistory(),
        Keys(os.urandom(KEY_BYTES)),
        base_url=base_url if isinstance(base_url, str) else "",
        known=Known(keys),
        now=session.clock.now(),
        content=False,
        emit=emit,
        complete=False,
        pool=early.take,
    )


def _show(session: Session, built: "Plan", asked: Asked, samples: "Samples") -> None:
    from zalosync.cli.drawing import draw
    from zalosync.console.plan_text import sealed_lines
    from zalosync.console.text import say
    from zalosync.plan.skips import write_skips

    if asked.skips is not None:
        write_skips(asked.skips, session.project, built)
    skips = {} if asked.preview else _skip_samples(session, built, asked)
    terminal = asked.format == "text" and sys.stdout.isatty()
    draw(_document(session, built, samples, skips, phones=terminal), asked.format, explain=asked.explain)
    if asked.output is not None and not built.blocked and asked.format == "text":
        say(sealed_lines(asked.output.name))


def _document(
    session: Session,
    built: "Plan",
    samples: "Samples | None" = None,
    skips: "Mapping[str, Sequence[Preview]] | None" = None,
    *,
    phones: bool = False,
) -> dict[str, Any]:
    from zalosync.console.planned import plan_document
    from zalosync.plan.approve import approvals_needed

    return plan_document(
        built,
        zone=session.project.spec.timezone,
        needed=approvals_needed(session.project, built.contacts),
        samples=samples,
        skips=skips,
        phones=phones,
    )


def _skip_samples(session: Session, built: "Plan", asked: Asked) -> "dict[str, Sequence[Preview]]":
    """The first rows of each reason to skip, where the form shows them."""
    if not (asked.explain or asked.format in ("json", "markdown", "html")):
        return {}
    from zalosync.plan.skips import skip_samples

    return {campaign.name: skip_samples(session.project, campaign) for campaign in built.campaigns}


def _samples(session: Session, built: "Plan", asked: Asked) -> "Samples":
    """One masked message of each campaign, for forms that have room for it and for reviewers of the file."""
    if asked.output is None and not asked.explain and asked.format not in ("markdown", "html"):
        return {}
    from zalosync.compose.preview import preview

    return {
        campaign.name: preview(
            session.project,
            campaign.loaded,
            session.keys,
            now=built.created_at,
            budget=campaign.prepared.recipe.budget,
        )
        for campaign in built.campaigns
        if campaign.to_send
    }
