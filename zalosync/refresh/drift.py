"""What changed at the provider since messages were planned: templates, keys, quotas. Pure."""

from collections.abc import Iterator, Mapping

from zalosync.spec.findings import Finding
from zalosync.spec.project import TemplateContract

ENABLED = "ENABLE"


def template_drift(number: int, now: TemplateContract, pinned: TemplateContract | None) -> Iterator[Finding]:
    """Whether a template still sends, and still is what was pinned."""
    if now.status != ENABLED:
        yield Finding(
            "template-disabled",
            "error",
            f"template {number} is {now.status} at the provider: it does not send",
        )
    if pinned is None:
        return
    changed = [
        words
        for words, one, other in (
            ("its tag", pinned.tag, now.tag),
            ("its parameters", dict(pinned.parameters), dict(now.parameters)),
        )
        if one != other
    ]
    if changed:
        message = f"template {number} changed since templates.lock.yaml was written: {' and '.join(changed)}"
        yield Finding("template-changed", "warn", message)


def key_drift(sender: str, now: str | None, used: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the sender's key still is the one that values were encrypted with.

    Args:
        sender: the Official Account.
        now: fingerprint of its key, or None where it has none.
        used: fingerprints by sender, of the last run.
    """
    before = used.get(sender)
    if before is None or before == now:
        return
    found = "it has none" if now is None else f"it is {now[:23]}…"
    message = f"the RSA key of sender {sender} was {before[:23]}… when messages were sent, and now {found}"
    yield Finding("public-key-changed", "error", message)


def quota_drift(
    sender: str, now: int | None, before: int | None, remaining: int | None, held: int
) -> Iterator[Finding]:
    """Whether the sender may send less than before, or less than waits for its time.

    Args:
        sender: the Official Account.
        now: messages a day, or None where the provider does not say.
        before: the same when it was last asked.
        remaining: left today.
        held: messages that we hold until they are due.
    """
    if now is not None and before is not None and now < before:
        yield Finding(
            "quota-changed", "warn", f"sender {sender} may send {now:,} messages a day, {before:,} before"
        )
    if remaining is not None and held > remaining:
        message = f"sender {sender} may send {remaining:,} messages today, and {held:,} are held until due"
        yield Finding("quota-changed", "warn", message, count=held - remaining)
