"""What people read of where every campaign stands."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zalosync.console.display import display, plural
from zalosync.console.status import duration

MOST_REASONS = 8  # the document has all
# What may become of a message that was sent, maybe; by its name in documents.
WORDS: Mapping[str, str] = {
    "accepted": "accepted",
    "zalo": "delivered by Zalo",
    "sms": "delivered by SMS",
    "delivered": "delivered",
    "waiting": "waiting for their outcome",
    "sms_waiting": "waiting for their SMS",
    "sms_unknown": "of unknown SMS outcome",
    "failed": "failed",
    "doubtful": "of unknown fate",
}
_FUNNEL = ("accepted", "zalo", "sms", "waiting", "sms_waiting", "sms_unknown", "failed", "doubtful")


def status_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """A funnel for each campaign, then what a person should know."""
    yield f"Environment {display(document['environment'])}"
    if not document["campaigns"]:
        yield "  nothing was sent yet: `zalosync plan`, then `zalosync apply`"
    for campaign in document["campaigns"]:
        yield ""
        yield from _campaign_lines(campaign)
    waiting = document["inbox"]["waiting"]
    if waiting:
        yield ""
        yield f"  {plural(waiting, 'report')} wait in the inbox: `zalosync refresh` merges them"
    for finding in document["findings"]:
        yield ""
        mark = "✗" if finding["severity"] == "error" else "!"
        yield f"  {mark} {finding['message']} [{finding['id']}]"


def _campaign_lines(campaign: Mapping[str, Any]) -> Iterator[str]:
    funnel, cost = campaign["funnel"], campaign["cost"]
    sent = funnel["sent"]
    more = "" if campaign["occurrence"] == 1 else f", occurrence {campaign['occurrence']}"
    attempts = campaign["attempts"] - sum(each["attempts"] for each in campaign["earlier"])
    yield f"  {display(campaign['name'])}{more}: {plural(attempts, 'attempt')}"
    if funnel["audience"] is not None:
        yield _line(funnel["audience"], "rows")
        yield _line(-funnel["skipped"], "skipped")
    yield _line(sent, "sent, or maybe sent" if funnel["doubtful"] else "sent")
    for name in _FUNNEL:
        count = funnel["delivered_by"].get(name, funnel.get(name, 0))
        if count or name in ("accepted", "zalo"):
            yield _line(count, WORDS[name], sent)
        if name == "failed":
            yield from _reasons(campaign["failures"])
    for name, words in (("held", "held until due"), ("cancelled", "cancelled"), ("not_sent", "not sent")):
        if funnel[name]:
            yield _line(funnel[name], words)
    for each in campaign["earlier"]:
        counts = ", ".join(f"{count:,} {word}" for word, count in each["states"].items())
        yield f"    {'':>11}  occurrence {each['occurrence']}: {counts}"
    if campaign["oldest_unknown_seconds"] is not None:
        age, left = campaign["oldest_unknown_seconds"], campaign["evidence_expires_seconds"]
        ends = f"the provider's logs forget it in {duration(left)}: `zalosync refresh`"
        if not left:
            ends = "no log tells more of it: a person decides, by `zalosync resolve`"
        yield f"    ! the oldest unknown is {duration(age)} old; {ends}"
    if cost["so_far"] or cost["estimate_max"] is not None:
        yield f"    {'':>11}  {_cost_words(cost)}"


def _line(count: int, words: str, of: int = 0) -> str:
    share = f" {count / of:>7.1%}" if of else ""
    return f"    {count:>11,}  {words:<25}{share}".rstrip()


def _reasons(failures: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for failure in failures:
        by = "SMS: " if failure["channel"] == "sms" else ""
        advice = f" ({failure['advice']})" if failure["advice"] else ""
        counts[f"{by}{failure['words']}{advice}"] += failure["count"]
    for words, count in counts.most_common(MOST_REASONS):
        yield f"    {'':>11}  {count:>9,}  {words}"
    rest = counts.total() - sum(count for _, count in counts.most_common(MOST_REASONS))
    if rest:
        yield f"    {'':>11}  {rest:>9,}  for other reasons: `status --json` has them"


def _cost_words(cost: Mapping[str, Any]) -> str:
    currency = cost["currency"] or ""
    words = f"cost so far {cost['so_far']:,.2f} {currency}".rstrip()
    low, high = cost["estimate_min"], cost["estimate_max"]
    if high is None:
        return words
    span = f"{high:,.2f}" if low == high else f"{low:,.2f} to {high:,.2f}"
    return f"{words}, of {span} {currency} estimated".rstrip()
