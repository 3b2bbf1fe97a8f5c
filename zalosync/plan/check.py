"""Whether a sealed plan may be applied here and now: to this environment, on this ledger, with these inputs.

Pure, but for reading the ledger. Each refusal says in one line what differs, and nothing was sent.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from zalosync.audience.screen import Reason
from zalosync.errors import PlanRefused
from zalosync.ledger.read import LedgerReader
from zalosync.plan.bundle import Sealed
from zalosync.plan.decide import Action
from zalosync.plan.held import within
from zalosync.plan.messages import PlannedMessages
from zalosync.plan.shape import Plan

_SLICE = 100_000
CONSUMED = "ZS537"
# What takes messages away from a plan that was approved, and lies outside of it.
_OUTSIDE = {Action.SUPPRESSED: Reason.SUPPRESSED.word, Action.CAPPED: Reason.FREQUENCY_CAP.word}
_CAMPAIGN_PARTS = {
    "occurrence": "its occurrence",
    "sender": "its sender",
    "spec": "its spec",
    "template": "its template's pinned contract",
    "public_key": "the sender's RSA key",
    "count": "its audience",
    "messages": "its audience or texts",
    "destinations": "the phones of its audience",
}


def check_usable(
    sealed: Sealed, environment: str, base_url: str, reader: LedgerReader, now: datetime
) -> None:
    """Hold a sealed plan against where and when it is to be applied.

    Raises:
        PlanRefused: another environment, expired, consumed, or the ledger moved on.
    """
    bound = sealed.meaning
    if bound["environment"] == environment and bound["base_url"] != base_url:
        raise PlanRefused(
            f"the plan is for {bound['base_url']}, and environment {environment} is {base_url} now",
            fix="set its baseUrl (or the variable that it names) as it was, or plan again",
            code="ZS535",
        )
    if (bound["environment"], bound["base_url"]) != (environment, base_url):
        raise PlanRefused(
            f"the plan is for environment {bound['environment']} ({bound['base_url']}),"
            f" not for {environment} ({base_url})",
            fix=f"apply it with -e {bound['environment']}, or plan for {environment}",
            code="ZS535",
        )
    if now >= sealed.expires_at:
        raise PlanRefused(
            f"the plan expired at {sealed.expires_at:%Y-%m-%dT%H:%MZ}", fix="plan again", code="ZS536"
        )
    check_history(sealed, reader)


def check_history(sealed: Sealed, reader: LedgerReader) -> None:
    """Hold a sealed plan against the ledger: not consumed, and nobody else changed what may be sent since.

    Raises:
        PlanRefused: says which.
    """
    runs = {run.id: run for run in reader.runs() if run.started.get("plan_digest") == sealed.digest}
    for run in runs.values():
        if run.ended and run.ended.get("consumed"):
            raise PlanRefused(
                f"the plan is consumed: run {run.run_id} left nothing of it to do",
                fix="plan again: it shows what is new since",
                code=CONSUMED,
            )
    _check_ledger(sealed, reader, frozenset(runs))


def _check_ledger(sealed: Sealed, reader: LedgerReader, own: frozenset[int]) -> None:
    ledger = sealed.meaning["ledger"]
    if reader.notes().get("lineage") != ledger["lineage"]:
        raise PlanRefused("the plan was made on another ledger", fix="plan again on this one", code="ZS538")
    seq = int(sealed.document["ledger_seq"])
    found = reader.hash_at(seq)
    if found is None or found.hex() != sealed.document["ledger_hash"]:
        raise PlanRefused(
            f"the history that the plan saw (event {seq:,}) is not in this ledger",
            fix="plan again; `zalosync audit verify` says whether the ledger is whole",
            code="ZS539",
        )
    others = reader.sending_events_since(seq, own)
    if others:
        raise PlanRefused(
            f"the ledger moved on since the plan: {others:,} changes by other runs or people",
            fix="plan again",
            code="ZS540",
        )


def check_same(sealed: Sealed, plan: Plan) -> None:
    """Hold a sealed plan against the inputs of now, planned again.

    Raises:
        PlanRefused: names what moved.
    """
    found = list(moved(sealed.meaning, plan.meaning))
    if found:
        raise PlanRefused(
            f"the plan is stale: since it was made, {'; '.join(found[:5])} changed",
            fix="plan again, and have that plan approved",
            code="ZS530",
        )


def state_of(sealed: Sealed, reader: LedgerReader | None, now: datetime) -> tuple[str, str]:
    """What became of a plan: `applicable`, `expired`, `consumed`, `stale` or `unknown`, and why in words.

    Args:
        sealed: the plan.
        reader: the ledger, or None where there is none to look at.
        now: aware.
    """
    refusal = None
    try:
        if reader is not None:
            check_history(sealed, reader)
    except PlanRefused as error:
        refusal = error
    if refusal is not None and refusal.code == CONSUMED:
        return "consumed", refusal.message
    if now >= sealed.expires_at:
        return "expired", f"since {sealed.expires_at:%Y-%m-%dT%H:%MZ}"
    if refusal is not None:
        return "stale", refusal.message
    return ("unknown", "") if reader is None else ("applicable", "")


def moved(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Which inputs differ between the meanings of two plans, in words."""
    was_set, is_set = then["settings"], now["settings"]
    names = sorted(was_set.keys() | is_set.keys())
    if turned := [name for name in names if was_set.get(name) != is_set.get(name)]:
        yield f"the project's settings ({', '.join(turned)})"
    if then["policies"] != now["policies"]:
        yield "the policies"
    was = {campaign["name"]: campaign for campaign in then["campaigns"]}
    present = {campaign["name"]: campaign for campaign in now["campaigns"]}
    for name in sorted(was.keys() | present.keys()):
        if name not in was or name not in present:
            yield f"campaign {name}"
            continue
        parts = {
            text
            for part, text in _CAMPAIGN_PARTS.items()
            if was[name][part] != present[name][part] and not (part == "public_key" and not was[name][part])
        }
        for wider in ("its audience", "its audience or texts"):
            if wider in parts:
                parts -= {"its audience or texts", "the phones of its audience"} - {wider}
        for text in sorted(parts):
            yield f"campaign {name}: {text}"


def narrowed(sealed: Sealed, plan: Plan) -> Counter[str]:
    """Let the plan of now do no more than the sealed one says; gives why, and by how many, it shrank.

    What is sent, suppressed, capped or unknown by now keeps that; what the sealed plan held back stays so,
    and what it did not send for another reason, or would send as another attempt, is not sent. Held messages
    that it does not cancel stay held.
    """
    shrunk = Counter[str]()
    plan.gone = {name: within(sealed.cancels.get(name), gone) for name, gone in plan.gone.items()}
    for campaign in plan.campaigns:
        campaign.waits.gone = within(sealed.cancels.get(campaign.loaded.first_name), campaign.waits.gone)
    for campaign in plan.campaigns:
        then, now = sealed.messages[campaign.loaded.first_name], campaign.messages
        both = PlannedMessages()
        before, present = then.cursor(), now.cursor()
        while present.left:
            messages = present.take(_SLICE).with_columns(before.take(_SLICE)["action"].alias("then"))
            sending = pl.col("action").is_in([int(Action.SEND), int(Action.RETRY)])
            mine = pl.col("then").is_in([int(Action.SEND), int(Action.RETRY)])
            withheld = pl.col("then").is_in([int(Action.SUPPRESSED), int(Action.CAPPED)])
            action = (
                pl.when(sending & withheld)
                .then("then")
                .when(sending & (pl.col("action") != pl.col("then")))
                .then(pl.lit(int(Action.FAILED), pl.UInt8))
                .otherwise("action")
            )
            for action_now, word in _OUTSIDE.items():
                shrunk[word] += messages.filter(mine & (pl.col("action") == int(action_now))).height
            both.append(messages.with_columns(action.alias("action")))
        campaign.messages = both
    return +shrunk
