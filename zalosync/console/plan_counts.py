"""The counts of a plan, from rows to messages: the same numbers in text, Markdown and HTML."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from zalosync.console.plan_words import ADOPT, Document

# Why each group of rows has its fate: for `--explain`.
_WHY: Mapping[str, str] = {
    "unreadable": "the row, its condition or its key could not be read",
    "invalid-phone": "no phone number of the campaign's region",
    "not-where": "`where` says that the campaign is not for them",
    "no-consent": "the consent column is empty",
    "suppressed": "on a suppression list of the campaign or of a policy",
    "duplicate-key": "another row has the same key and is the one kept (onDuplicate)",
    "invalid-values": "a value does not fit the template's contract, or the key's size",
    "frequency-cap": "a policy's cap on messages to one person",
    "unchanged": "the ledger has this message as sent, with the same content",
    "changed": "sent before with another content; content is not identity, so nothing is sent again",
    "held": "kept by us until its time, under a plan that was applied before",
    "unknown": "may have been sent and is not proven; never sent again on its own",
    "failed": "ended without delivery on Zalo, and `retry` does not name that end; its SMS may have arrived",
    "retry": "ended without delivery in a way that the campaign's `retry` names",
    "send": "wanted, and the ledger has no message of this identity",
}
_ORDER = list(_WHY)
# What a plan that adopts says otherwise: it compares with what others sent, by a file or the provider's logs.
_WHY_ADOPT: Mapping[str, str] = {
    "not-where": "the provider's logs have no message of this identity; they stay unmarked",
    "unchanged": "the ledger has a message of this identity; it stays as it is",
    "send": "sent before, as a file or the provider's logs say; the ledger has no message of this identity",
}
# In full, and beside a bar.
_FATES = {
    "unchanged": ("sent before, unchanged", "sent before, unchanged"),
    "changed": ("sent before, content changed since: not sent again", "sent before, changed"),
    "held": ("held until due", "held until due"),
    "unknown": ("may have been sent: refresh, then resolve", "may have been sent"),
    "failed": ("failed on Zalo, not sent again", "failed on Zalo"),
}
_FATES_ADOPT = {**_FATES, "unchanged": ("in the ledger already", "in the ledger already")}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a waterfall from the rows of an audience to the messages that are sent.

    Attributes:
        kind: `rows` it begins with, `loss` takes away, `sent` before or in doubt, `send` is what is left.
        count: never negative.
        words: for people.
        short: the same beside a bar.
        why: what puts rows there, in a sentence; empty for the rows themselves.
    """

    kind: Literal["rows", "loss", "sent", "send"]
    count: int
    words: str
    short: str
    why: str = ""

    @property
    def signed(self) -> str:
        """The count, with a sign for what is taken away and what is left."""
        sign = {"rows": "", "loss": "-", "sent": "-", "send": "+"}[self.kind]
        return f"{sign}{self.count:,}"


def steps(campaign: Document, plan: str) -> Iterator[Step]:
    """The waterfall of a campaign in a plan of this kind; the rows are the sum of all other steps."""
    totals, skipped = campaign["totals"], campaign["skipped"]
    adopts = plan == ADOPT
    why = {**_WHY, **_WHY_ADOPT} if adopts else _WHY
    yield Step("rows", totals["audience"], "rows", "rows")
    for reason in sorted(skipped, key=_ORDER.index):
        if adopts and reason == "not-where":
            words, short = "not found in the provider's logs", "not in the logs"
        else:
            words, short = f"skipped: {reason}", reason
        yield Step("loss", skipped[reason], words, short, why[reason])
    for name, (words, short) in (_FATES_ADOPT if adopts else _FATES).items():
        if totals[name]:
            yield Step("sent", totals[name], words, short, why[name])
    if totals["retry"]:
        yield Step("send", totals["retry"], "to try again", "to try again", why["retry"])
    words = "to mark as sent" if adopts else "to send"
    yield Step("send", totals["send"], words, words, why["send"])


def shares(totals: Mapping[str, int], plan: str) -> Iterator[tuple[str, int]]:
    """What becomes of rows that are not sent; with those to send, they are all rows."""
    yield "skipped or not found" if plan == ADOPT else "skipped", totals["skipped"]
    yield "in the ledger already" if plan == ADOPT else "sent before", totals["unchanged"] + totals["changed"]
    for words, count in (
        ("held until due", totals["held"]),
        ("in doubt or failed", totals["unknown"] + totals["failed"]),
    ):
        if count:
            yield words, count


def told(totals: Mapping[str, int], plan: str) -> str:
    """The shares in a line: `0 skipped, 120 sent before, 180 in doubt or failed`."""
    return ", ".join(f"{count:,} {words}" for words, count in shares(totals, plan))


def errors(document: Document) -> int:
    """How many findings block a plan."""
    everything = [*document["findings"], *(each for one in document["campaigns"] for each in one["findings"])]
    return sum(finding["severity"] == "error" for finding in everything)
