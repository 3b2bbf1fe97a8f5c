"""From an HTTP answer to what the rest of the house works with: pure functions.

`exchange_of` turns the answer to a send into the neutral record that `apply.classify` judges; `refusal`
turns the answer to a read into a sentence with a way out.
"""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from zalosync.errors import ProviderRefused, StoppedEarly, ZalosyncError
from zalosync.infobip.answer import read_error, read_send_answer
from zalosync.provider import Exchange, Malformed

MOST_BYTES = 10_000_000  # of an answer, decoded; a full page of logs is a tenth of it
_GZIP = zlib.MAX_WBITS | 16
_SECONDS = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, as far as it is worth reading.

    Attributes:
        body: decoded; empty where `malformed` says why there is none.
        malformed: TOO_LARGE, or CONTENT_TYPE for an encoding that nobody asked for.
        retry_after: seconds.
        date: the server's clock.
    """

    status: int
    content_type: str
    body: bytes
    malformed: Malformed | None
    retry_after: float | None
    date: datetime | None

    @property
    def good(self) -> bool:
        """Whether it is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


def decoded(raw: bytes, encoding: str) -> bytes | Malformed:
    """A body without its content encoding, at most `MOST_BYTES` of it.

    We ask for none; a proxy may still compress.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return raw if len(raw) <= MOST_BYTES else Malformed.TOO_LARGE
    if encoding not in ("gzip", "x-gzip"):
        return Malformed.CONTENT_TYPE
    inflate = zlib.decompressobj(_GZIP)
    try:
        body = inflate.decompress(raw, MOST_BYTES + 1)
    except zlib.error:
        return Malformed.CONTENT_TYPE
    if len(body) > MOST_BYTES:
        return Malformed.TOO_LARGE
    return body if inflate.eof else Malformed.CONTENT_TYPE


def http_date(text: str) -> datetime | None:
    """A `Date` header's moment: aware, UTC."""
    try:
        moment = parsedate_to_datetime(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def retry_after(text: str, date: datetime | None) -> float | None:
    """Seconds to wait, from either form of the header.

    A date is held against the server's own clock; without that it says nothing.
    """
    text = text.strip()
    if _SECONDS.fullmatch(text) and text.isascii():
        return float(text)
    moment = http_date(text) if text else None
    if moment is None or date is None:
        return None
    return max(0.0, (moment - date).total_seconds())


def is_json(content_type: str) -> bool:
    """Whether a `Content-Type` header says JSON."""
    return content_type.partition(";")[0].strip().lower() == "application/json"


def exchange_of(answer: Answer, digest: Callable[[bytes], bytes]) -> Exchange:
    """The neutral record of the answer to a send."""
    exchange = Exchange(
        http_status=answer.status,
        retry_after=answer.retry_after,
        date=answer.date,
        digest=digest(answer.body) if answer.body else None,
    )
    if not answer.good:
        return replace(exchange, error=read_error(answer.body))
    if answer.malformed is not None:
        return replace(exchange, malformed=answer.malformed)
    if not answer.body.strip():
        return replace(exchange, malformed=Malformed.EMPTY)
    if not is_json(answer.content_type):
        return replace(exchange, malformed=Malformed.CONTENT_TYPE)
    rows = read_send_answer(answer.body)
    if isinstance(rows, Malformed):
        return replace(exchange, malformed=rows)
    return replace(exchange, rows=rows)


_WAYS_OUT: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "check what the provider names in the project's files",
    HTTPStatus.UNAUTHORIZED: "check the API key of this environment and that baseUrl is its account's",
    HTTPStatus.FORBIDDEN: "give the API key the scope zalo:manage, or message:send and zalo:logs:read",
    HTTPStatus.NOT_FOUND: "check the sender and the template number, and that baseUrl is the account's",
}


def refusal(answer: Answer, host: str, what: str) -> ZalosyncError:
    """Why a read did not give what it should, in the provider's words where it has some.

    Args:
        answer: not a 2xx.
        host: of the base URL.
        what: was read, such as "the public key of sender 409…".
    """
    error = read_error(answer.body)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return StoppedEarly(
            f"{host} has too many requests for {what} (HTTP 429)",
            fix="wait a minute and run the command again",
            code="ZS502",
        )
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        words = f": {error.description}" if error else ""
        return StoppedEarly(
            f"{host} failed at {what} (HTTP {answer.status}{words})",
            fix="run the command again later",
            code="ZS503",
        )
    if error is None:
        return ProviderRefused(
            f"{host} answered HTTP {answer.status} for {what}, and not in Infobip's words",
            fix="check baseUrl, and whether a proxy or a firewall answers in its place",
            code="ZS803",
        )
    said = "; ".join((f"{error.code} {error.description}".strip(), *error.violations))
    return ProviderRefused(
        f"{host} refused {what} (HTTP {answer.status}: {said})",
        fix=_WAYS_OUT.get(answer.status, "ask the provider, with this code"),
        code="ZS804",
    )


def not_an_answer(malformed: Malformed, host: str, what: str) -> ProviderRefused:
    """A 2xx that is not what the provider's API gives."""
    return ProviderRefused(
        f"{host} answered with something else than {what} ({malformed})",
        fix="check baseUrl, and whether a proxy or a firewall answers in its place",
        code="ZS805",
    )
