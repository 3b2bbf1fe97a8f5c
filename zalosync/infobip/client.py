"""The calls of the API: `Reader` can only ask, `Sender` can also send. A dry run is given a `Reader`.

A POST is tried once, on a connection of its own, and never repeated here: whether it may be repeated is
for the protocol to decide, and what it decides by is the `Exchange` that `submit` returns in every case.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Literal, Self, TypeVar
from urllib.parse import quote, urlsplit

import stamina
import stamina.instrumentation

from zalosync.errors import ProviderRefused, StoppedEarly
from zalosync.infobip.account import (
    Quota,
    Template,
    read_public_key,
    read_quota,
    read_template,
    read_templates,
)
from zalosync.infobip.answer import read_error
from zalosync.infobip.evidence import Digest, Page, Pseudonym, Rows, read_logs, read_reports
from zalosync.infobip.exchange import Answer, exchange_of, not_an_answer, refusal
from zalosync.infobip.keys import PublicKey
from zalosync.infobip.settings import Settings
from zalosync.infobip.transport import Http, Unreached
from zalosync.infobip.wire import wire_time
from zalosync.provider import Exchange, Malformed

GeneralStatus = Literal["ACCEPTED", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED"]
T = TypeVar("T")

SEND_PATH = "/zalo/2/messages"
LOGS_PATH = "/zalo/1/logs"
MOST_ROWS = 1000  # a page of logs or reports
THROTTLED = 6.0  # seconds to wait where a 429 does not say: logs take 10 requests a minute
_PAGE_SIZE = 100  # templates in a page, the most
_MOST_PAGES = 1000
_TRIES = 3
_LONGEST_WAIT = 10.0  # seconds that a read waits because the provider says so

# Its default hook prints to standard output, where others expect our JSON.
stamina.instrumentation.set_on_retry_hooks([])


class _AgainError(Exception):
    """A read that may go better: carries what to raise if it does not, and how long to wait."""

    def __init__(self, final: StoppedEarly, wait: float | None = None) -> None:
        super().__init__(str(final))
        self.final = final
        self.wait = wait


def _whether_again(error: Exception) -> bool | float:
    if not isinstance(error, _AgainError):
        return False
    return True if error.wait is None else error.wait


_AGAIN = stamina.RetryingCaller(attempts=_TRIES, wait_initial=0.2, wait_max=2.0, wait_jitter=0.3).on(
    _whether_again
)


class Reader:
    """Asks the provider; cannot send. Safe to use from several threads.

    Args:
        settings: where and as whom.
        digest: keyed digest of raw bodies and rows.
        pseudonym: of a phone as on the wire.
        monotonic: seconds that never go back.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        digest: Digest,
        pseudonym: Pseudonym,
        monotonic: Callable[[], float],
    ) -> None:
        self.settings = settings
        self.host = urlsplit(settings.base_url).netloc
        self._digest = digest
        self._pseudonym = pseudonym
        self._http = Http(settings, monotonic)

    @property
    def server_date(self) -> datetime | None:
        """The provider's clock in its last answer, in whole seconds: to hold our own against."""
        return self._http.date

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def _unreached(self, error: Unreached, what: str) -> StoppedEarly:
        return StoppedEarly(
            f"{self.host} gave no answer for {what}: {error.why}",
            fix="check the network and baseUrl, then run the command again",
            code="ZS501",
        )

    def _once(
        self, what: str, path: str, params: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> Answer:
        """One try on a connection of its own: for what must not be asked twice."""
        try:
            return self._http.exchange(method, path, params=params, fresh=True)
        except Unreached as error:
            raise self._unreached(error, what) from error

    def _read(self, what: str, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Up to three tries. The answer may be a refusal, but not a 429 or a 5xx."""
        try:
            return _AGAIN(self._try, what, path, params)
        except _AgainError as error:
            raise error.final from error.__cause__

    def _try(self, what: str, path: str, params: Mapping[str, str] | None) -> Answer:
        try:
            answer = self._http.exchange("GET", path, params=params, fresh=False)
        except Unreached as error:
            raise _AgainError(self._unreached(error, what)) from error
        failed = refusal(answer, self.host, what) if not answer.good else None
        if not isinstance(failed, StoppedEarly):
            return answer
        if answer.retry_after is not None and answer.retry_after > _LONGEST_WAIT:
            raise failed
        raise _AgainError(failed, answer.retry_after)

    def _good(self, answer: Answer, what: str, read: Callable[[bytes], T | Malformed]) -> T:
        if not answer.good:
            raise refusal(answer, self.host, what)
        got = answer.malformed or read(answer.body)
        if isinstance(got, Malformed):
            raise not_an_answer(got, self.host, what)
        return got

    def _page(self, answer: Answer, what: str, limit: int, read: Callable[..., Rows | Malformed]) -> Page:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = THROTTLED if answer.retry_after is None else answer.retry_after
            return Page((), 0, False, answer.date, wait, b"")
        rows = self._good(answer, what, lambda body: read(body, self._pseudonym, self._digest))
        return Page(
            rows.reports, rows.left_out, rows.total < limit, answer.date, None, self._digest(answer.body)
        )

    def logs(
        self,
        *,
        message_ids: Sequence[str] = (),
        sender: str | None = None,
        to: str | None = None,
        general_status: GeneralStatus | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = MOST_ROWS,
    ) -> Page:
        """Log rows of the last 48 hours, by any combination of filters. One request, never repeated.

        The provider allows about ten such requests a minute; the caller keeps count.
        """
        params = {
            "from": sender,
            "to": to,
            "messageId": ",".join(message_ids) or None,
            "generalStatus": general_status,
            "sentSince": None if since is None else wire_time(since),
            "sentUntil": None if until is None else wire_time(until),
            "limit": str(limit),
        }
        given = {name: value for name, value in params.items() if value is not None}
        return self._page(self._once("the logs", LOGS_PATH, given), "the logs", limit, read_logs)

    def reports(self, limit: int = MOST_ROWS) -> Page:
        """Reports that nobody has pulled yet. Each is handed out once: one request, never repeated."""
        path = self.settings.reports_path
        if path is None:
            raise ProviderRefused(
                "this environment has no call for reports",
                fix="set its reportsPath, receive reports by webhook, or refresh from logs",
                code="ZS806",
            )
        answer = self._once("the reports", path, {"limit": str(limit)})
        return self._page(answer, "the reports", limit, read_reports)

    def public_key(self, sender: str) -> PublicKey | None:
        """The sender's public key, or None where the provider has none."""
        what = f"the public key of sender {sender}"
        answer = self._read(what, _sender_path(sender, "public-key"))
        if answer.status == HTTPStatus.NOT_FOUND and _is_the_providers(answer):
            return None
        return PublicKey.read(self._good(answer, what, read_public_key))

    def template(self, sender: str, name: int) -> Template:
        """One template with its contract."""
        what = f"template {name} of sender {sender}"
        return self._good(self._read(what, _sender_path(sender, f"templates/{name}")), what, read_template)

    def templates(self, sender: str) -> tuple[Template, ...]:
        """All templates of the sender, of every status, without their contracts."""
        what = f"the templates of sender {sender}"
        found: list[Template] = []
        for page in range(_MOST_PAGES):
            params = {"page": str(page), "size": str(_PAGE_SIZE), "status": "ALL"}
            got = self._good(
                self._read(what, _sender_path(sender, "templates"), params), what, read_templates
            )
            found += got.templates
            if page + 1 >= got.total_pages or not got.templates:
                break
        return tuple(found)

    def quota(self, sender: str) -> Quota:
        """What the sender may still send today and this month."""
        what = f"the quota of sender {sender}"
        return self._good(self._read(what, _sender_path(sender, "quota")), what, read_quota)


class Sender(Reader):
    """A `Reader` that can also send."""

    def submit(self, body: bytes) -> Exchange:
        """Send one body, once. Whatever the network does, the result is a record of it.

        No byte leaves after `total_timeout` seconds, and the call ends soon after them.
        """
        try:
            answer = self._http.exchange("POST", SEND_PATH, body=body, fresh=True)
        except Unreached as error:
            return Exchange(failure=error.failure, may_have_left=error.may_have_left)
        return exchange_of(answer, self._digest)

    def create_public_key(self, sender: str) -> PublicKey:
        """Have the provider make the sender's key pair; where there is one already, get that."""
        what = f"a new public key of sender {sender}"
        answer = self._once(what, _sender_path(sender, "public-key"), method="POST")
        if answer.status == HTTPStatus.CONFLICT and _is_the_providers(answer):
            existing = self.public_key(sender)
            if existing is not None:
                return existing
        return PublicKey.read(self._good(answer, what, read_public_key))


def _sender_path(sender: str, rest: str) -> str:
    return f"/zalo/1/sender/{quote(sender, safe='')}/{rest}"


def _is_the_providers(answer: Answer) -> bool:
    """Whether a refusal is in the provider's words: a wrong host knows no sender either."""
    return read_error(answer.body) is not None
