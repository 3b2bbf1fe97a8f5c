"""What an account has: templates and what is pinned of them, RSA keys, quotas. Documents and lines."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from zalosync.console.display import display, plural
from zalosync.console.documents import utc
from zalosync.infobip.account import Quota, Template
from zalosync.spec.project import Parameter, TemplateContract

_GONE = "no campaign uses it"


def pull_document(
    environment: str,
    before: Mapping[int, TemplateContract],
    after: Mapping[int, TemplateContract],
    refused: Mapping[int, str],
) -> dict[str, Any]:
    """What `templates pull --json` prints: each template with what changed of its contract."""
    numbers = sorted({*before, *after, *refused})
    entries = [
        _pulled(number, before.get(number), after.get(number), refused.get(number)) for number in numbers
    ]
    changes = [entry["change"] for entry in entries]
    return {
        "environment": environment,
        "written": any(change in {"added", "changed", "removed"} for change in changes),
        "templates": entries,
    }


def _pulled(
    number: int, old: TemplateContract | None, new: TemplateContract | None, refused: str | None
) -> dict[str, Any]:
    differences: list[str] = []
    if refused is not None:
        change = "refused"
        differences = [refused]
    elif new is None:
        change = "removed"
        differences = [_GONE]
    elif old is None:
        change = "added"
    else:
        differences = list(_differences(old, new))
        change = "changed" if differences else "unchanged"
    shown = new or old
    return {
        "template": number,
        "sender": shown.sender if shown else None,
        "change": change,
        "status": shown.status if shown else None,
        "tag": shown.tag if shown else None,
        "display_name": shown.display_name if shown else None,
        "parameters": sorted(shown.parameters) if shown else [],
        "differences": differences,
    }


def _differences(old: TemplateContract, new: TemplateContract) -> Iterator[str]:
    for name, one, other in (
        ("sender", old.sender, new.sender),
        ("status", old.status, new.status),
        ("tag", old.tag, new.tag),
        ("name", old.display_name, new.display_name),
    ):
        if one != other:
            yield f"{name}: {one} → {other}"
    for name in sorted({*old.parameters, *new.parameters}):
        before, after = old.parameters.get(name), new.parameters.get(name)
        if before is None:
            yield f"parameter {name} is new: {_limits(after)}"
        elif after is None:
            yield f"parameter {name} is gone"
        elif before != after:
            yield f"parameter {name}: {_limits(before)} → {_limits(after)}"


def _limits(parameter: Parameter | None) -> str:
    if parameter is None:
        return "nothing"
    least = "" if parameter.min_length is None else f"{parameter.min_length} to "
    most = "any length" if parameter.max_length is None else f"{least}{parameter.max_length} characters"
    need = "required" if parameter.required else "optional"
    return ", ".join(part for part in (need, parameter.type or "", most) if part)


def pull_lines(document: Mapping[str, Any], *, rehearsal: bool) -> Iterator[str]:
    """What became of the contracts; only those that changed are told in full."""
    for entry in document["templates"]:
        name = f" {display(entry['display_name'])}" if entry["display_name"] else ""
        status = f" ({entry['status']})" if entry["status"] and entry["change"] != "refused" else ""
        yield f"{entry['change']:<10} {entry['template']}{name}{display(status)}"
        for difference in entry["differences"]:
            yield f"{'':<10} {display(difference, 300)}"
    if document["written"]:
        yield "templates.lock.yaml is written: look at its diff, and commit it."
    else:
        yield "templates.lock.yaml says the same as before."
    if rehearsal:
        yield "These are the sandbox's contracts: pull the account's own before you send to people."


def templates_document(
    environment: str,
    found: Mapping[str, Sequence[Template]],
    pinned: Mapping[int, TemplateContract],
    used: Collection[tuple[str, int]],
) -> dict[str, Any]:
    """What `templates list --json` prints.

    Args:
        environment: its name.
        found: by sender, as the provider lists them.
        pinned: contracts by template number.
        used: sender and number of what campaigns use.
    """
    return {
        "environment": environment,
        "senders": [
            {
                "sender": sender,
                "templates": [_listed(sender, each, pinned, used) for each in templates],
                "missing": sorted(
                    number
                    for owner, number in used
                    if owner == sender and number not in {each.name for each in templates}
                ),
            }
            for sender, templates in found.items()
        ],
    }


def _listed(
    sender: str,
    template: Template,
    pinned: Mapping[int, TemplateContract],
    used: Collection[tuple[str, int]],
) -> dict[str, Any]:
    contract = pinned.get(template.name)
    return {
        "template": template.name,
        "display_name": template.display_name or None,
        "status": template.status.value,
        "reason": template.reason or None,
        "tag": template.tag or None,
        "used": (sender, template.name) in used,
        "pinned": contract is not None,
        "pinned_status": contract.status if contract else None,
    }


def templates_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """A table for each sender."""
    for entry in document["senders"]:
        yield f"Sender {entry['sender']}: {plural(len(entry['templates']), 'template')}"
        for each in entry["templates"]:
            marks = ["used" if each["used"] else "", "pinned" if each["pinned"] else ""]
            if each["pinned"] and each["pinned_status"] != each["status"]:
                marks[1] = f"pinned as {each['pinned_status']}: pull again"
            if each["used"] and not each["pinned"]:
                marks[1] = "not pinned"
            said = ", ".join(mark for mark in marks if mark)
            yield (
                f"  {each['template']:>12}  {each['status']:<15} {display(each['tag'] or '-'):<14}"
                f" {display(each['display_name'] or '', 40):<24} {display(said)}"
            ).rstrip()
            if each["reason"]:
                yield f"  {'':>12}  {display(each['reason'], 200)}"
        for number in entry["missing"]:
            yield f"  {number:>12}  ! a campaign uses it, and the provider does not list it"


def keys_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """Each sender's key, what fits into a value, and whether it is the one that this project trusts."""
    for each in document["keys"]:
        if each["fingerprint"] is None:
            yield f"Sender {each['sender']}: no RSA key yet; `zalosync keys create` has one made"
            continue
        yield f"Sender {each['sender']}: RSA, {each['bits']:,} bits"
        yield f"    {each['fingerprint']}"
        yield f"    a value may have {each['value_bytes']:,} bytes of UTF-8; MGF1 with {each['mgf1']}"
        yield f"    {_trust(each)}"


def _trust(key: Mapping[str, Any]) -> str:
    pinned, seen, own = key["pinned"], key["seen_before"], key["fingerprint"]
    if pinned == own:
        return "pinned in zalosync.yaml"
    other, who = (pinned, "zalosync.yaml pins") if pinned is not None else (seen, "the ledger saw")
    if other not in {None, own}:
        return (
            f"! {who} another one ({other[:23]}…): ask the provider whether the key was changed;"
            " if it was, `zalosync keys pin`"
        )
    return "not pinned: `zalosync keys pin`" + (" (the same that was used before)" if seen == own else "")


def quota_document(
    environment: str, found: Mapping[str, Quota | str], zone: str, day: str, at: Any
) -> dict[str, Any]:
    """What `quota --json` prints.

    Args:
        environment: its name.
        found: by sender, the quota or why it is not known.
        zone: in which days and months are counted.
        day: today there.
        at: when it was asked for.
    """
    return {
        "environment": environment,
        "asked_at": utc(at),
        "zone": zone,
        "day": day,
        "senders": [_quota(sender, each) for sender, each in found.items()],
    }


def _quota(sender: str, quota: Quota | str) -> dict[str, Any]:
    known = quota if isinstance(quota, Quota) else None
    return {
        "sender": sender,
        "daily": known.daily if known else None,
        "remaining_daily": known.remaining_daily if known else None,
        "monthly_promotion": known.monthly_promotion if known else None,
        "remaining_monthly_promotion": known.remaining_monthly_promotion if known else None,
        "estimated_next_month_promotion": known.estimated_next_month_promotion if known else None,
        "problem": None if known else quota,
    }


def quota_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """What each sender may still send."""
    yield f"{document['day']} in {document['zone']}"
    for each in document["senders"]:
        yield f"Sender {each['sender']}"
        if each["problem"]:
            yield f"    not known: {display(each['problem'], 300)}"
            continue
        yield f"    left today        {_of(each['remaining_daily'], each['daily'])}"
        promotions = _of(each["remaining_monthly_promotion"], each["monthly_promotion"])
        yield f"    left this month   {promotions} of promotions"
        if each["estimated_next_month_promotion"] is not None:
            yield f"    next month about  {each['estimated_next_month_promotion']:,} of promotions"


def _of(left: int | None, whole: int | None) -> str:
    if left is None:
        return "not said"
    return f"{left:,}" if whole is None else f"{left:,} of {whole:,}"
