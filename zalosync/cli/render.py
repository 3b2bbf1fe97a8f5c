"""`zalosync render`: what one recipient, or a sample of them, would get."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import rich_click as click

from zalosync.cli.options import Options, common
from zalosync.cli.session import Session
from zalosync.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from zalosync.compose.preview import Preview
    from zalosync.console.card import Setting
    from zalosync.spec.loaded import LoadedCampaign

KEY_SIZES = ("2048", "3072", "4096")
MAX_SAMPLE = 50
UNIDENTIFIED = bytes(32)  # for cards, which show no identity, so that none needs the project's key


@click.command(
    epilog="Example: zalosync render order-shipped --row 12 --payload",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@common
@click.argument("campaign")
@click.option(
    "--row",
    type=click.IntRange(1),
    metavar="N",
    help="This row, from 1; also a skipped one.",
)
@click.option(
    "--sample",
    type=click.IntRange(1, MAX_SAMPLE),
    metavar="K",
    help="So many rows, spread over the audience [1: the first that would be sent].",
)
@click.option("--payload", is_flag=True, help="Also the body of the request, as JSON.")
@click.option("--show-sensitive", is_flag=True, help="Do not mask; needs a terminal, and is refused in CI.")
@click.option(
    "--key-bits",
    type=click.Choice(KEY_SIZES),
    help="Size of the sender's RSA key, for what fits into an encrypted value [as last seen, else 4096].",
)
def render(
    options: Options,
    campaign: str,
    *,
    row: int | None,
    sample: int | None,
    payload: bool,
    show_sensitive: bool,
    key_bits: str | None,
) -> int:
    """Show what recipients would get: values and their sizes, the SMS with its segments, the request.

    Reads the project's files only, sends nothing, asks nobody. Texts and phones are masked.
    """
    from zalosync.compose.message import Keys
    from zalosync.compose.preview import preview
    from zalosync.console import card, documents, text

    session = Session(options)
    terminal = sys.stdout.isatty()
    if show_sensitive:
        _check_private(session.environ, terminal=terminal)
    if row is not None and sample is not None:
        raise UsageError("--row and --sample exclude each other", fix="give one of them")
    loaded = session.project.campaign(campaign)
    setting = _setting(
        session, campaign, _bits(session, loaded, key_bits), sensitive=show_sensitive, terminal=terminal
    )
    previews = preview(
        session.project,
        loaded,
        session.keys if payload else Keys(UNIDENTIFIED),
        now=session.clock.now(),
        budget=setting.budget,
        row=row,
        sample=sample or 1,
    )
    bodies = [_body(session, each, setting) if payload else None for each in previews]
    if options.json:
        documents.write(card.card_document(previews, setting, bodies))
    else:
        text.say(card.card_lines(previews, setting))
        for body in bodies:
            if body is not None:
                text.say(iter(["", _json(body)]))
    return ExitCode.DONE


def _bits(session: Session, loaded: "LoadedCampaign", given: str | None) -> int:
    """The size of the key that is rendered for."""
    from zalosync.cli.key_sizes import ASSUMED_BITS, seen

    return int(given) if given else seen(session.key_sizes).get(loaded.campaign.spec.sender, ASSUMED_BITS)


def _check_private(environ: Mapping[str, str], *, terminal: bool) -> None:
    """Refuse to show personal data anywhere but to a person.

    Raises:
        UsageError: there is no terminal, or this is a CI job.
    """
    if environ.get("CI", "").lower() not in {"", "0", "false"}:
        raise UsageError("--show-sensitive is refused in CI, whose logs others read", fix="leave it out")
    if not terminal:
        raise UsageError(
            "--show-sensitive needs a terminal: personal data does not belong into files or pipes",
            fix="leave it out, or run it at a terminal",
        )


def _setting(session: Session, campaign: str, key_bits: int, *, sensitive: bool, terminal: bool) -> "Setting":
    from zalosync.compose.values import byte_budget
    from zalosync.console.card import Setting

    project, loaded = session.project, session.project.campaign(campaign)
    spec, prices = loaded.campaign.spec, project.prices
    contract = project.templates.get(spec.template.name)
    return Setting(
        loaded,
        title=(contract.display_name or "") if contract else "",
        budget=byte_budget(key_bits) if spec.encrypted else None,
        key_bits=key_bits,
        zalo=prices.zalo.get(spec.template.tag) if prices else None,
        segment=prices.sms.per_segment if prices and prices.sms else None,
        currency=prices.currency if prices else "",
        sensitive=sensitive,
        terminal=terminal,
    )


def _body(session: Session, preview: "Preview", setting: "Setting") -> dict[str, Any] | None:
    """The request for one recipient; None where the row is skipped.

    Values of an encrypted campaign are told by their sizes, since ciphertext is never the same twice. The
    webhook's `{token}` is a secret and stays as it is written.
    """
    import orjson

    from zalosync.apply.envelope import envelope_of
    from zalosync.audience.screen import Reason
    from zalosync.compose.message import Identity, Maker, bulk_id, message_id_text
    from zalosync.console.card import shown_phone, shown_text
    from zalosync.infobip.wire import Outgoing, send_body

    if preview.reason is not Reason.KEPT or preview.message is None:
        return None
    spec, first_name = setting.loaded.campaign.spec, setting.loaded.first_name
    message_id = Identity(session.keys, first_name, spec.occurrence).message_id(preview.message, attempt=1)
    cipher = setting.key_bits // 8
    values = {
        value.name: f"({value.text.bytes} bytes, encrypted to {-(-cipher // 3) * 4} characters)"
        if spec.encrypted
        else shown_text(value.text, setting) or ""
        for value in preview.values
    }
    outgoing = Outgoing(
        shown_phone(preview, setting).removeprefix("+"),
        message_id_text(message_id),
        values,
        shown_text(preview.failover, setting) if preview.failover else None,
        Maker(session.keys).proof(message_id),
    )
    send_at = spec.schedule.send_at if spec.schedule.mode == "provider" else None
    envelope = replace(envelope_of(setting.loaded, "{token}"), encrypted=False)
    bulk = bulk_id([message_id])
    body = orjson.loads(send_body(envelope, [outgoing], bulk_id=bulk, send_at=send_at, encryptor=None))
    if spec.encrypted:
        body["messages"][0].setdefault("options", {})["encrypted"] = True
    return cast("dict[str, Any]", body)


def _json(document: dict[str, Any]) -> str:
    import orjson

    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
