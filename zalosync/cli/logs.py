"""`zalosync logs`: the provider's logs by any filter."""

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, get_args

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Provider, Session
from zalosync.errors import ExitCode, UsageError
from zalosync.events import Emit
from zalosync.infobip.client import GeneralStatus

if TYPE_CHECKING:
    from zalosync.console.logs import LogRow
    from zalosync.infobip.evidence import Page
    from zalosync.provider import Report

_AGO = re.compile(r"([0-9]{1,4})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PHONE = re.compile(r"[0-9]{5,20}")


@click.command(
    epilog="Example: zalosync logs --since 2h --status REJECTED",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.option("--to", metavar="PHONE|-", help="Recipient; `-` reads it from stdin, unseen by others.")
@click.option("--message-id", "message_ids", multiple=True, metavar="ID", help="May be repeated.")
@click.option("--from", "sender", metavar="OA", help="Sender.")
@click.option(
    "--status", type=click.Choice(get_args(GeneralStatus), case_sensitive=False), help="General status."
)
@click.option("--since", metavar="TIME", help="2026-11-23T08:00:00Z, or so long ago: 90m, 2h, 1d.")
@click.option("--until", metavar="TIME", help="As --since.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Rows at most.")
def logs(
    options: Options,
    *,
    to: str | None,
    message_ids: tuple[str, ...],
    sender: str | None,
    status: str | None,
    since: str | None,
    until: str | None,
    limit: int,
) -> int:
    """Show what the provider's logs say, of the last 48 hours. Changes nothing.

    Waits its turn: the account's limit on such queries is shared with `apply` and `refresh`.
    """
    from zalosync.console import documents, text
    from zalosync.console.logs import logs_document, logs_lines

    session = Session(options)
    now = session.clock.now()
    filters: dict[str, Any] = {
        "message_ids": message_ids,
        "sender": sender,
        "to": _phone(to),
        "general_status": status.upper() if status else None,
        "since": _moment(since, now),
        "until": _moment(until, now),
        "limit": limit,
    }
    with session.reporter() as emit, session.provider() as provider:
        page = _page(session, provider, emit, filters)
        rows = _known(session, page.rows)
    terminal = sys.stdout.isatty() and not options.json
    document = logs_document(rows, complete=page.complete, asked_at=page.date, terminal=terminal)
    if options.json:
        documents.write(document)
    else:
        text.say(logs_lines(document, [(row.report.recipient or b"").decode() for row in rows]))
    return ExitCode.DONE


def _page(session: Session, provider: Provider, emit: Emit, filters: dict[str, Any]) -> "Page":
    from zalosync.cli.settling import throttle_of
    from zalosync.console.logs import mask, nothing
    from zalosync.infobip.client import Reader
    from zalosync.refresh.asking import Logs

    terminal = sys.stdout.isatty() and not session.options.json
    client = Reader(
        provider.client.settings,
        digest=session.keys.evidence_digest,
        pseudonym=mask if terminal else nothing,
        monotonic=session.clock.monotonic,
    )
    with client:
        found = Logs(client, throttle_of(session), session.clock, emit, wait=True)
        page = found.page(**filters)
    assert page is not None  # it waits
    return page


def _known(session: Session, reports: "Sequence[Report]") -> "list[LogRow]":
    """The rows with what the ledger knows of their messages, where there is a ledger."""
    from zalosync.compose.message import message_id_bytes
    from zalosync.console.logs import LogRow

    ids = {report.message_id: message_id_bytes(report.message_id) for report in reports}
    wanted = sorted(each for each in ids.values() if each is not None)
    if not wanted or not session.home.path.exists():
        return [LogRow(report) for report in reports]
    with session.reader() as reader:
        names = {number: name for name, number in reader.campaigns().items()}
        known = reader.by_message_ids(wanted)
    rows = []
    for report in reports:
        found = known.get(ids[report.message_id] or b"")
        if found is None:
            rows.append(LogRow(report))
        else:
            rows.append(LogRow(report, names[found.campaign], found.attempt, found.state.word))
    return rows


def _phone(given: str | None) -> str | None:
    """The recipient as on the wire.

    Raises:
        UsageError: it is no number; it is not quoted.
    """
    if given is None:
        return None
    written = sys.stdin.readline().strip() if given == "-" else given
    digits = re.sub(r"[\s.+()-]", "", written)
    if digits.startswith("0"):
        digits = "84" + digits[1:]
    if not _PHONE.fullmatch(digits):
        raise UsageError("--to is no phone number", fix="write it as 84901234567")
    return digits


def _moment(given: str | None, now: datetime) -> datetime | None:
    """A moment, or so long ago.

    Raises:
        UsageError: it is neither.
    """
    if given is None:
        return None
    ago = _AGO.fullmatch(given)
    if ago is not None:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(
            f"`{given}` is no time",
            fix="write 2026-11-23T08:00:00Z, with its offset, or 90m, 2h, 1d for so long ago",
        )
    return moment.astimezone(UTC)
