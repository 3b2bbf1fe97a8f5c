"""A request to send, as bytes: pure functions, no network.

Only keys of the OpenAPI schema are ever written: the provider may ignore keys it does not know, so that a
misspelt `sendAt` would send now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import orjson

from zalosync.errors import InternalError
from zalosync.infobip.keys import Encryptor

ValidityUnit = Literal["SECONDS", "MINUTES", "HOURS"]
SpeedUnit = Literal["MINUTE", "HOUR", "DAY"]
SendingMode = Literal["REGULAR", "OVER_THE_LIMIT", "AUTO"]
Weekday = Literal["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]


@dataclass(frozen=True, slots=True)
class Window:
    """When messages may be delivered, in UTC.

    Attributes:
        days: at least one.
        start: hour and minute; with `end`, or neither.
        end: hour and minute, at least an hour after `start`.
    """

    days: tuple[Weekday, ...]
    start: tuple[int, int] | None = None
    end: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What all messages of a campaign share. None leaves a field out, so that the provider's default holds.

    Attributes:
        sender: id of the Official Account, digits.
        template: id of the template, 32 bits.
        encrypted: whether every value is encrypted.
        validity: at most 48 hours; the provider clips longer ones without a word.
        platform: entity id and application id.
        sending_mode: REGULAR is the default and left out.
        failover_sender: of the SMS; the SMS itself goes with each message.
        shorten_url: sent always, since the provider's default is true.
        track_clicks: likewise.
        speed: per request, so it paces one request only.
    """

    sender: str
    template: int
    encrypted: bool = False
    validity: tuple[int, ValidityUnit] | None = None
    window: Window | None = None
    platform: tuple[str | None, str | None] | None = None
    sending_mode: SendingMode = "REGULAR"
    failover_sender: str | None = None
    failover_validity: tuple[int, ValidityUnit] | None = None
    webhook_url: str | None = None
    intermediate_report: bool | None = None
    notify: bool | None = None
    content_type: str | None = None
    shorten_url: bool = False
    track_clicks: bool = False
    tracking_url: str | None = None
    custom_domain: str | None = None
    remove_protocol: bool | None = None
    campaign_reference_id: str | None = None
    speed: tuple[int, SpeedUnit] | None = None


class Outgoing(NamedTuple):
    """One message for one person. Its fields are personal data: never printed.

    Attributes:
        phone: as on the wire, `84…`.
        message_id: at most 200 characters.
        values: template data, in clear.
        failover_text: of the SMS, or None for no failover.
        callback_data: comes back in reports, at most 4,000 characters.
    """

    phone: str
    message_id: str
    values: Mapping[str, str]
    failover_text: str | None = None
    callback_data: str | None = None

    def __repr__(self) -> str:
        return f"Outgoing(message_id={self.message_id!r})"


def wire_time(moment: datetime) -> str:
    """`yyyy-MM-dd'T'HH:mm:ss.SSS+0000`, of an aware moment; fractions of a millisecond are cut off."""
    if moment.tzinfo is None:
        raise InternalError("a moment without an offset cannot go on the wire")
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}+0000"


def send_body(
    envelope: Envelope,
    messages: Sequence[Outgoing],
    *,
    bulk_id: str,
    send_at: datetime | None,
    encryptor: Encryptor | None,
) -> bytes:
    """The body of `POST /zalo/2/messages`: one `messages[]` entry per recipient.

    All destinations of one entry would share one `templateData`, hence an entry each. With RSA-OAEP the
    same messages give other bytes each time: encode once, and send what was encoded.
    """
    if envelope.encrypted != (encryptor is not None):
        raise InternalError("a campaign is encrypted with a key, or it is not encrypted and has none")
    shared = _Shared(_options(envelope), _failover(envelope), _webhooks(envelope))
    entries = [_entry(envelope, message, shared, encryptor) for message in messages]
    return orjson.dumps({"messages": entries, "options": _request_options(envelope, bulk_id, send_at)})


def _present(**fields: object) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _amount(pair: tuple[int, str] | None) -> dict[str, Any] | None:
    return None if pair is None else {"amount": pair[0], "timeUnit": pair[1]}


def _time_of_day(pair: tuple[int, int] | None) -> dict[str, int] | None:
    return None if pair is None else {"hour": pair[0], "minute": pair[1]}


def _window(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    bounds = {"from": _time_of_day(window.start), "to": _time_of_day(window.end)}
    return {"days": list(window.days), **_present(**bounds)}


def _options(envelope: Envelope) -> dict[str, Any]:
    """The options that are the same for all messages; the failover text is not."""
    entity, application = envelope.platform or (None, None)
    return _present(
        platform=_present(entityId=entity, applicationId=application) or None,
        validityPeriod=_amount(envelope.validity),
        deliveryTimeWindow=_window(envelope.window),
        campaignReferenceId=envelope.campaign_reference_id,
        encrypted=True if envelope.encrypted else None,
        sendingMode=None if envelope.sending_mode == "REGULAR" else envelope.sending_mode,
    )


def _failover(envelope: Envelope) -> dict[str, Any]:
    return _present(sender=envelope.failover_sender, validityPeriod=_amount(envelope.failover_validity))


def _webhooks(envelope: Envelope) -> dict[str, Any]:
    delivery = _present(
        url=envelope.webhook_url, intermediateReport=envelope.intermediate_report, notify=envelope.notify
    )
    return _present(delivery=delivery or None, contentType=envelope.content_type)


def _request_options(envelope: Envelope, bulk_id: str, send_at: datetime | None) -> dict[str, Any]:
    schedule = _present(
        bulkId=bulk_id,
        sendAt=None if send_at is None else wire_time(send_at),
        sendingSpeedLimit=_amount(envelope.speed),
    )
    tracking = _present(
        shortenUrl=envelope.shorten_url,
        trackClicks=envelope.track_clicks,
        trackingUrl=envelope.tracking_url,
        removeProtocol=envelope.remove_protocol,
        customDomain=envelope.custom_domain,
    )
    return {"schedule": schedule, "tracking": tracking}


class _Shared(NamedTuple):
    """The parts of an entry that are the same for all messages of a request."""

    options: dict[str, Any]
    failover: dict[str, Any]
    webhooks: dict[str, Any]


def _entry(
    envelope: Envelope, message: Outgoing, shared: _Shared, encryptor: Encryptor | None
) -> dict[str, Any]:
    options, failover, webhooks = shared
    values = message.values
    if encryptor is not None:
        values = {name: encryptor.encrypt(value) for name, value in values.items()}
    entry: dict[str, Any] = {
        "sender": envelope.sender,
        "destinations": [{"to": message.phone, "messageId": message.message_id}],
        "content": {"type": "TEMPLATE", "templateName": envelope.template, "templateData": values},
    }
    if message.failover_text is not None:
        options = {**options, "smsFailover": {"text": message.failover_text, **failover}}
    if options:
        entry["options"] = options
    if message.callback_data is not None:
        webhooks = {**webhooks, "callbackData": message.callback_data}
    if webhooks:
        entry["webhooks"] = webhooks
    return entry
