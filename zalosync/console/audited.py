"""What `audit report` says beside the page that it writes."""

from collections.abc import Iterator, Mapping
from typing import Any

from zalosync.audit.summary import Summary
from zalosync.audit.verify import Verified
from zalosync.compose.message import Status
from zalosync.console.display import plural
from zalosync.console.status_text import WORDS


def report_document(summary: Summary, verified: Verified, output: str) -> dict[str, Any]:
    """What `audit report --json` prints.

    Args:
        summary: what the page tells.
        verified: what replaying the history found.
        output: where the page is.
    """
    campaigns = summary.campaigns
    return {
        "environment": summary.origin.environment,
        "report": output,
        "campaigns": len(campaigns),
        "messages": sum(each.attempts for each in campaigns),
        "outcomes": {
            "delivered": summary.total(Status.DELIVERED),
            "waiting": summary.total(Status.ACCEPTED),
            "sms_waiting": summary.sms_waiting,
            "sms_unknown": summary.sms_unknown,
            "failed": summary.failed,
        },
        "ok": verified.ok,
        "events": verified.events,
        "head": verified.head,
    }


def report_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """What people read: where the page is, what became of the messages, whether the history fits."""
    counts = f"{plural(document['messages'], 'message')} of {plural(document['campaigns'], 'campaign')}"
    verdict = "all fit" if document["ok"] else "they do NOT fit: `zalosync audit verify` says where"
    yield (
        f"{document['report']}: {counts};"
        f" {plural(document['events'], 'event')} of the history replayed, {verdict}"
    )
    outcomes = [f"{count:,} {WORDS[name]}" for name, count in document["outcomes"].items() if count]
    if outcomes:
        yield f"  {', '.join(outcomes)}"
