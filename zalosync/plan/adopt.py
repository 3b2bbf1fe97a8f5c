"""A plan that sends nothing: messages that were sent before the ledger was there are marked as sent.

Who they were to comes from a file, or from ids that the provider's logs know. What they said is not known,
so it is never called changed. In such a plan the fingerprint of a message is the attempt it was.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl

from zalosync.audience.read import open_audience
from zalosync.audience.screen import Reason
from zalosync.compose.desired import CHUNK_ROWS, Desired
from zalosync.compose.digests import whole
from zalosync.compose.inputs import limits_of
from zalosync.compose.message import Keys
from zalosync.compose.prepare import Prepared, placed, recipe_of
from zalosync.compose.template import check
from zalosync.errors import SpecError, UsageError
from zalosync.events import Emit, PhaseAdvanced, PhaseEnded, PhaseStarted
from zalosync.plan.bound import bound_plan
from zalosync.plan.decide import Action
from zalosync.plan.history import History
from zalosync.plan.messages import PlannedMessages
from zalosync.plan.record import recall
from zalosync.plan.shape import CampaignPlan, Plan
from zalosync.spec.findings import Finding
from zalosync.spec.loaded import LoadedCampaign, LoadedProject

ADOPT = "adopt"
# Of a frame of messages, which attempt each was (UInt64); null: none that is known.
Attempts = Callable[[pl.DataFrame], pl.Series]


def every_first(messages: pl.DataFrame) -> pl.Series:
    """All of them were first attempts: what a file of people says."""
    return pl.repeat(1, messages.height, dtype=pl.UInt64, eager=True)


def as_sealed(sealed: PlannedMessages) -> Attempts:
    """The attempts that a sealed plan of this kind names."""
    frame = sealed.cursor().take(sealed.count).select("m0", "m1", pl.col("f1").alias("attempt"))

    def attempts(messages: pl.DataFrame) -> pl.Series:
        found = messages.select("m0", "m1").join(frame, on=["m0", "m1"], how="left", maintain_order="left")
        return found["attempt"]

    return attempts


def build_adoption(
    project: LoadedProject,
    loaded: LoadedCampaign,
    reader: History,
    keys: Keys,
    *,
    base_url: str,
    files: Sequence[str] | None,
    attempts: Attempts,
    now: datetime,
    emit: Emit,
) -> Plan:
    """Which messages of a campaign would be marked as sent.

    Args:
        project: of the campaign.
        loaded: the campaign.
        reader: the ledger; messages that it knows stay as they are.
        keys: the project's.
        base_url: of the environment.
        files: paths from the project's root; None: the campaign's own audience, whatever its `where` says.
        attempts: which attempt each message was.
        now: aware.
        emit: hears of the progress.

    Raises:
        SpecError: a file cannot be read, or does not have the columns of phone and key.
    """
    plan = bound_plan(project, keys, reader, reader.notes(), base_url=base_url, now=now, kind=ADOPT)
    with plan.stack as stack:
        campaign = CampaignPlan(stack.enter_context(_people(project, loaded, keys, files)))
        plan.campaigns.append(campaign)
        _mark(campaign, reader, attempts, emit)
        recall(plan, reader)
        campaign.fresh = campaign.to_send
        absent = campaign.skipped[Reason.NOT_WHERE]
        if absent:
            message = f"{absent:,} of the audience are not in the provider's logs, and stay unmarked"
            campaign.findings = (Finding("adopt-not-found", "warn", message, campaign.name, count=absent),)
        plan.stack = stack.pop_all()
    return plan


@contextmanager
def _people(
    project: LoadedProject, loaded: LoadedCampaign, keys: Keys, files: Sequence[str] | None
) -> Iterator[Prepared]:
    """The messages of these people, by phone and key alone: nothing of what they said is composed."""
    audience = loaded.campaign.spec.audience
    base, paths = (Path(loaded.file).parent, audience.path) if files is None else (Path(), tuple(files))
    encoding = audience.encoding if files is None else None
    with open_audience(
        project.root, base, paths, limits=limits_of(project.spec), encoding=encoding
    ) as opened:
        if audience.phone not in opened.columns:
            raise UsageError(
                f"{opened.files[0]} has no column `{audience.phone}`",
                fix=f"it needs the column of the phone, and those of the key: {audience.key or 'the phone'}",
            )
        if audience.key is not None:
            problems = [
                placed(loaded, "spec.audience.key", each) for each in check(audience.key, opened.columns)
            ]
            if problems:
                raise SpecError(problems)
        recipe = replace(
            recipe_of(project, loaded, keys, budget=None, content=True),
            values={},
            failover=None,
            where=None,
            consent=None,
            limits={},
        )
        pieces = opened.pieces(CHUNK_ROWS)
        with Desired(recipe, pieces, size=opened.size, on_duplicate="first") as desired:
            yield Prepared(loaded, recipe, desired, opened.files, opened.size, lambda: opened.notes)


def _mark(campaign: CampaignPlan, reader: History, attempts: Attempts, emit: Emit) -> None:
    phase = f"read {campaign.name}"
    emit(PhaseStarted(phase, None, "rows"))
    desired = campaign.prepared.desired
    desired.gather(lambda done: emit(PhaseAdvanced(phase, done)))
    emit(PhaseEnded(phase, f"{desired.waterfall.audience:,} rows"))
    for messages in desired.messages():
        told = messages.with_columns(attempts(messages).alias("attempt"))
        sent = told.filter(pl.col("attempt").is_not_null())
        desired.waterfall.skipped[Reason.NOT_WHERE] += told.height - sent.height
        unknown = _unknown(reader, sent)
        campaign.messages.append(
            sent.select(
                "m0",
                "m1",
                pl.lit(0, pl.UInt64).alias("f0"),
                pl.col("attempt").alias("f1"),
                pl.when(unknown)
                .then(int(Action.SEND))
                .otherwise(int(Action.UNCHANGED))
                .cast(pl.UInt8)
                .alias("action"),
            )
        )


def _unknown(reader: History, messages: pl.DataFrame) -> pl.Series:
    """Of each message whether the ledger has none of it, or only a proof that it was not sent."""
    digests = whole(messages["m0"], messages["m1"])
    known = reader.standings(digests).known()
    return pl.Series([digest not in known for digest in digests], dtype=pl.Boolean)
