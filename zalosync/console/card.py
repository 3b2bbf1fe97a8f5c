"""One recipient's message as a card: the values with their sizes, the SMS that may take its place.

Masked unless the caller asks otherwise: `sensitive` is for a person at a terminal, who may see the texts
and the phone; a masked phone is for a terminal too, and elsewhere only its country is left.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.cells import cell_len, chop_cells

from zalosync.audience.screen import Reason
from zalosync.compose.preview import Preview, PreviewText, PreviewValue
from zalosync.console.display import display, masked, plural
from zalosync.spec.loaded import LoadedCampaign

WIDTH = 88  # columns of a card, its frame included
TEXT_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for all cards of one command.

    Attributes:
        title: the provider's name of the template, or empty.
        budget: bytes that one encrypted value may have, or None where nothing is encrypted.
        key_bits: the size of the key that the budget is of.
        zalo: the price of one message, or None.
        segment: the price of one SMS segment, or None.
        sensitive: texts and phones are shown as they are.
        terminal: the output is a terminal's.
    """

    loaded: LoadedCampaign
    title: str = ""
    budget: int | None = None
    key_bits: int = 4096
    zalo: Decimal | None = None
    segment: Decimal | None = None
    currency: str = ""
    sensitive: bool = False
    terminal: bool = False


def card_lines(previews: Sequence[Preview], setting: Setting) -> Iterator[str]:
    """The campaign's line, a card for each recipient, and how to see more."""
    spec = setting.loaded.campaign.spec
    title = f" “{display(setting.title)}”" if setting.title else ""
    sealed = "not encrypted"
    if setting.budget is not None:
        sealed = f"encrypted, at most {setting.budget} bytes a value (RSA-{setting.key_bits})"
    template = f"template {spec.template.name}{title}, {spec.template.tag}"
    yield f"{display(setting.loaded.name)}: {template}, {sealed}"
    for preview in previews:
        yield ""
        yield from _framed(_head(preview, setting), list(_body(preview, setting)))
    if not previews:
        yield "No row would be sent: `zalosync plan` says why."
    elif not setting.sensitive:
        yield "Masked; at a terminal of your own, --show-sensitive shows the texts."


def _head(preview: Preview, setting: Setting) -> str:
    phone = f"  {shown_phone(preview, setting)}" if preview.phone else ""
    return f"row {preview.row:,}  {display(preview.file, 40)}:{preview.line}{phone}"


def shown_phone(preview: Preview, setting: Setting) -> str:
    """The phone as it may be shown, with a `+`."""
    phone = preview.phone or ""
    if setting.sensitive:
        return "+" + display(phone)
    return masked(phone) if setting.terminal else f"+{phone[:2]}•••••"


def shown_text(text: PreviewText, setting: Setting) -> str | None:
    """The text as it may be shown; None where there is none."""
    if text.text is None:
        return None
    return text.text if setting.sensitive else text.masked


def _body(preview: Preview, setting: Setting) -> Iterator[str]:
    if preview.reason is not Reason.KEPT:
        why = f" ({display(preview.why)})" if preview.why else ""
        yield f"Skipped: {preview.reason.word}{why}"
    names = max((cell_len(value.name) for value in preview.values), default=0)
    for value in preview.values:
        yield f"{display(value.name):{names}}  {_shown(value.text, setting)}"
        yield f"{'':{names}}  {_sizes(value, setting)}"
    if preview.failover is not None:
        yield ""
        yield f"SMS instead, in plain text: {_shown(preview.failover, setting)}"
        if preview.segments is not None:
            measured = preview.segments
            price = ""
            if setting.segment is not None:
                price = f", {measured.segments * setting.segment:,.3f} {setting.currency}"
            segments = plural(measured.segments, "segment")
            yield f"{measured.encoding}, {measured.units} units, {segments}{price}"
    if preview.values and setting.zalo is not None:
        yield ""
        yield f"By Zalo: {setting.zalo:,.3f} {setting.currency}"


def _shown(text: PreviewText, setting: Setting) -> str:
    if text.text is None:
        return "— no value can be made of this row"
    shown = display(text.text if setting.sensitive else text.masked, TEXT_LENGTH)
    return shown or "(empty)"


def _sizes(value: PreviewValue, setting: Setting) -> str:
    if value.text.text is None:
        return value.misfit
    longest = f" of {value.longest}" if value.longest is not None else ""
    parts = [f"{value.text.characters}{longest} characters", plural(value.text.bytes, "byte")]
    if setting.budget is not None:
        left = setting.budget - value.text.bytes
        parts.append(f"{left} left" if left >= 0 else f"{-left} too many")
    if value.misfit:
        parts.append(f"does not fit: {value.misfit}")
    return ", ".join(parts)


def _framed(head: str, body: list[str]) -> Iterator[str]:
    inner = WIDTH - 4
    yield f"╭─ {head} {'─' * max(0, inner - cell_len(head) - 1)}╮"
    for line in body:
        for piece in chop_cells(line, inner) or [""]:
            yield f"│ {piece}{' ' * (inner - cell_len(piece))} │"
    yield f"╰{'─' * (WIDTH - 2)}╯"


def card_document(
    previews: Sequence[Preview], setting: Setting, payloads: Sequence[dict[str, Any] | None]
) -> dict[str, Any]:
    """What `render --json` prints; texts are masked as on the cards."""
    spec = setting.loaded.campaign.spec
    return {
        "campaign": setting.loaded.name,
        "template": spec.template.name,
        "tag": spec.template.tag,
        "encrypted": spec.encrypted,
        "budget": setting.budget,
        "masked": not setting.sensitive,
        "recipients": [
            {**_recipient(preview, setting), **({"payload": payload} if payload is not None else {})}
            for preview, payload in zip(previews, payloads, strict=True)
        ],
    }


def _recipient(preview: Preview, setting: Setting) -> dict[str, Any]:
    return {
        "row": preview.row,
        "file": preview.file,
        "line": preview.line,
        "skipped": None if preview.reason is Reason.KEPT else preview.reason.word,
        "why": preview.why,
        "phone": shown_phone(preview, setting) if preview.phone else None,
        "values": [_value(value, setting) for value in preview.values],
        "sms": _sms(preview, setting),
    }


def _value(value: PreviewValue, setting: Setting) -> dict[str, Any]:
    made = value.text.text is not None
    return {
        "name": value.name,
        "text": shown_text(value.text, setting),
        "characters": value.text.characters if made else None,
        "bytes": value.text.bytes if made else None,
        "left": setting.budget - value.text.bytes if made and setting.budget is not None else None,
        "misfit": value.misfit or None,
    }


def _sms(preview: Preview, setting: Setting) -> dict[str, Any] | None:
    if preview.failover is None:
        return None
    text, measured, price = shown_text(preview.failover, setting), preview.segments, setting.segment
    if measured is None:
        return {"text": text}
    return {
        "text": text,
        "encoding": measured.encoding,
        "units": measured.units,
        "segments": measured.segments,
        "price": None if price is None else float(measured.segments * price),
        "currency": None if price is None else setting.currency,
    }
