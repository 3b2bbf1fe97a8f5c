"""Applies a plan that sends nothing: marks messages as sent that were sent before the ledger was there."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from zalosync.apply.conduct import end, start
from zalosync.audience.screen import PHONE_COLUMN
from zalosync.clock import Clock
from zalosync.compose.digests import whole
from zalosync.compose.message import Cause, Identity, Keys, Status
from zalosync.ledger.records import Claim, Kind, Move, Standing
from zalosync.ledger.store import Ledger
from zalosync.plan.decide import Action
from zalosync.plan.record import record_of
from zalosync.plan.shape import CampaignPlan, Plan

# What a message said is not known: a fingerprint that no content has.
NO_CONTENT = bytes(16)
PART = 5_000  # messages to a transaction


def adopt(
    ledger: Ledger, plan: Plan, keys: Keys, *, digest: str, who: Mapping[str, Any], clock: Clock
) -> int:
    """Mark what the plan says, in a run of its own; gives how many messages that were.

    Args:
        ledger: under its lock.
        plan: as `build_adoption` made it, its inputs open.
        keys: the project's.
        digest: of the plan that was approved.
        who: for the run's record.
        clock: for times.
    """
    now = clock.now()
    record = {
        **who,
        "base_url": plan.base_url,
        "campaigns": [campaign.name for campaign in plan.campaigns],
        **record_of(plan),
    }
    number = start(ledger, clock, "adopt", digest, record).number
    marked = sum(_campaign(ledger, campaign, keys, number, now) for campaign in plan.campaigns)
    ended = {"exit_code": 0, "reason": "", "consumed": True, "totals": {"adopted": marked}}
    end(ledger, clock, number, ended)
    return marked


def _campaign(ledger: Ledger, campaign: CampaignPlan, keys: Keys, run: int, now: datetime) -> int:
    loaded = campaign.loaded
    occurrence = loaded.campaign.spec.occurrence
    identity = Identity(keys, loaded.first_name, occurrence)
    with ledger.change(Kind.NOTE, now) as change:
        number = change.campaign(loaded.first_name)
    marked = 0
    for part in _parts(campaign):
        digests = whole(part["m0"], part["m1"])
        known = ledger.recorded(digests)
        claims = [
            Claim(
                message,
                identity.message_id(message, attempt),
                number,
                occurrence,
                attempt,
                NO_CONTENT,
                identity.recipient(phone),
                failover=True,  # nobody knows whether it had one
                before=known.get(message),
            )
            for message, attempt, phone in zip(digests, part["f1_planned"], part[PHONE_COLUMN], strict=True)
        ]
        with ledger.change(Kind.ADOPT, now, run=run) as change:
            taken = change.claim(claims)
            change.move([Move(each, Standing(Status.ACCEPTED, Cause.ADOPTED)) for each in taken], own=True)
        marked += len(claims)
    return marked


def _parts(campaign: CampaignPlan) -> Iterator[pl.DataFrame]:
    """The messages to be marked, with their recipients and which attempt each was."""
    cursor = campaign.messages.cursor()
    planned = cursor.take(0)
    for messages in campaign.prepared.desired.messages():
        while cursor.left and planned.height < messages.height:
            planned = pl.concat([planned, cursor.take(messages.height)])
        both = messages.join(planned, on=["m0", "m1"], how="inner", suffix="_planned", maintain_order="left")
        planned = planned.join(both.select("m0", "m1"), on=["m0", "m1"], how="anti", maintain_order="left")
        yield from both.filter(pl.col("action") == int(Action.SEND)).iter_slices(PART)
