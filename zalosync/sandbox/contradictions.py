"""Switches that contradict each other or could never act: refused; their silence would look like calm."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from zalosync.sandbox.codes import CAUSES, DELIVERED, ERRORS, PENDING, STATUSES

if TYPE_CHECKING:
    from zalosync.sandbox.settings import Push, Rule, Settings

_TAKEN: Final = frozenset({"/zalo/1/logs", "/zalo/2/messages"})
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def of_settings(settings: "Settings") -> Iterator[str]:
    """Each contradiction in a sentence that names the switches and the way out."""
    if settings.delay_max_ms < settings.delay_median_ms:
        yield (
            f"delay_max_ms {settings.delay_max_ms} is below delay_median_ms {settings.delay_median_ms}:"
            " raise the one or lower the other"
        )
    path = settings.reports_path
    if path is not None and (not path.startswith("/") or path.startswith("/sandbox/") or path in _TAKEN):
        yield f"reports_path: {path} cannot be its own: name another that begins with /, or null for none"
    senders = settings.senders
    if senders is not None:
        named = [(f"templates.{n}", each.sender) for n, each in enumerate(settings.templates)]
        named += [(f"rules.{n}", each.sender) for n, each in enumerate(settings.rules)]
        for where, sender in named:
            if sender is not None and sender not in senders:
                yield f"{where}: sender {sender} is not one of `senders`: add it there"
    yield from _shadowed(settings.rules)
    templates = [(each.id, each.sender) for each in settings.templates]
    for place, template in enumerate(templates):
        if template in templates[:place]:
            yield f"templates.{place}: template {template[0]} is listed before: leave one of them out"
    callers = [(each.scheme, each.secret) for each in settings.credentials]
    for place, caller in enumerate(callers):
        if caller in callers[:place]:
            yield f"credentials.{place}: this secret is listed before: put all its scopes there"
    yield from _of_codes(settings.codes)
    yield from _of_push(settings.push)


def _shadowed(rules: tuple["Rule", ...]) -> Iterator[str]:
    """Rules behind one that takes all of their messages."""
    for place, rule in enumerate(rules):
        for before, other in enumerate(rules[:place]):
            wider = all(
                wish is None or wish == own
                for wish, own in (
                    (other.to, rule.to),
                    (other.template, rule.template),
                    (other.sender, rule.sender),
                )
            )
            if wider and other.share >= 1:
                yield f"rules.{place}: no message gets here, rules.{before} takes them all: put it in front"
                break


def _of_codes(wanted: Mapping[str, tuple[int, int, int]]) -> Iterator[str]:
    for cause, (group, status, error) in wanted.items():
        if CAUSES.get(cause, (DELIVERED,))[0] == DELIVERED:
            failing = ", ".join(name for name, (usual, _, _) in CAUSES.items() if usual != DELIVERED)
            yield f"codes.{cause}: no failure is called so; known: {failing}"
        elif (group, status) not in STATUSES or group in (PENDING, DELIVERED) or error not in ERRORS:
            yield f"codes.{cause}: must be a group 2, 4 or 5, a status of it and an error of sandbox/codes.py"


def _of_push(push: "Push") -> Iterator[str]:
    if push.url is not None:
        parts = urlsplit(push.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            yield "push.url: must be an http or https address"
        elif push.only_loopback and parts.hostname not in LOOPBACK:
            yield "push.url: is another machine, and push.only_loopback keeps reports here: set it to false"
    if push.bad_signature_share and push.security != "hmac":
        yield "push.bad_signature_share: nothing is signed: set push.security to hmac"
    if push.duplicate_copies > 1 and not push.duplicate_share:
        yield "push.duplicate_copies: no push is repeated: set push.duplicate_share"
    if push.security == "basic" and not (push.user or push.secret):
        yield "push.security: basic needs push.user and push.secret"
    if push.security == "hmac" and not push.secret:
        yield "push.security: hmac needs push.secret"
