"""All use of httpx: one exchange, tried once, within a total time-out, from nothing of the environment.

No proxy, certificate file or `.netrc` that other programs' variables name is used; no redirect is followed,
no cookie kept. Transport failures come out as one exception that says what the library's own trace proves.
"""

import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import certifi
import httpcore
import httpx

from zalosync.errors import UsageError
from zalosync.infobip.answer import plain
from zalosync.infobip.deadline import Deadline, DeadlineBackend, LookUp, addresses
from zalosync.infobip.exchange import MOST_BYTES, Answer, decoded, http_date, retry_after
from zalosync.infobip.settings import Settings
from zalosync.provider import Failure, Malformed

_IDLE = 10.0  # seconds that an idle connection is kept, for reads
# httpx writes every URL to its log, and the query of a log search may hold a phone number.
logging.getLogger("httpx").addFilter(lambda record: record.levelno > logging.INFO)


class Unreached(Exception):
    """There is no whole answer.

    Attributes:
        failure: at which step it ended.
        may_have_left: False only on proof that no byte of the request left this process.
        why: for people, without personal data.
    """

    def __init__(self, failure: Failure, why: str, *, may_have_left: bool) -> None:
        super().__init__(why)
        self.failure = failure
        self.may_have_left = may_have_left
        self.why = why


class _Stream(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _Transport(httpx.BaseTransport):
    """httpx's own transport, but for the network backend that it gives no way to choose."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        assert isinstance(request.stream, httpx.SyncByteStream)
        response = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Stream(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _Trace:
    """What the HTTP library says it did: the only proof that nothing was sent.

    Args:
        tunnel: whether a proxy may have to be asked for a connection first. What is said to it before
            there is TLS with the provider is no part of the request: it is the first on a new connection.
    """

    __slots__ = ("_asked", "_asking", "_tunnel", "connecting_failed", "sending", "writing_failed")

    def __init__(self, *, tunnel: bool = False) -> None:
        self._tunnel = tunnel
        self._asking = self._asked = False
        self.connecting_failed = self.sending = self.writing_failed = False

    def __call__(self, event: str, _info: Mapping[str, object]) -> None:
        if event == "connection.connect_tcp.started":
            self._asking = self._tunnel
        elif event == "proxy.start_tls.complete":
            self._asking = False
        elif event in {"connection.connect_tcp.failed", "connection.start_tls.failed"}:
            self.connecting_failed = True
        elif event.endswith(".send_request_headers.started"):
            # Whatever the library calls its steps: a second request that it begins is ours.
            self._asking = self._asking and not self._asked
            self._asked = True
            self.sending = not self._asking
        elif self.sending and event.endswith((".send_request_headers.failed", ".send_request_body.failed")):
            self.writing_failed = True

    @property
    def may_have_left(self) -> bool:
        return self.sending or not (self.connecting_failed or self._asking)

    @property
    def failure(self) -> Failure:
        if not self.sending:
            return Failure.CONNECT
        return Failure.WRITE if self.writing_failed else Failure.READ


_NETWORK = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpx.HTTPError,
    OSError,
)


class Http:
    """Connections to one base URL. Safe to use from several threads.

    Args:
        settings: where and as whom.
        monotonic: seconds that never go back.
        look_up: the addresses of a host.

    Attributes:
        date: the server's clock in its last answer that told it.
    """

    def __init__(
        self, settings: Settings, monotonic: Callable[[], float], look_up: LookUp = addresses
    ) -> None:
        self._settings = settings
        self._look_up = look_up
        self.date: datetime | None = None
        self._deadline = Deadline(monotonic)
        self._tls = _tls(settings.ca_file) if settings.base_url.startswith("https:") else None
        self._tunnel = self._tls is not None and settings.proxy is not None
        self._lasting = self._client(keep_alive=2)
        self._fresh = self._client(keep_alive=0)

    def close(self) -> None:
        """Close idle connections."""
        self._lasting.close()
        self._fresh.close()

    def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        fresh: bool,
    ) -> Answer:
        """One request and its answer.

        Args:
            method: of HTTP.
            path: below the base URL, quoted.
            params: of the query.
            body: JSON.
            fresh: on a connection of its own: an idle one may be dead, and not every request may be repeated.

        Raises:
            Unreached: there is no whole answer.
        """
        trace = _Trace(tunnel=self._tunnel)
        headers = {"Authorization": self._settings.authorization.reveal()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        client = self._fresh if fresh else self._lasting
        try:
            with (
                self._deadline.within(self._settings.total_timeout),
                client.stream(
                    method,
                    f"{self._settings.base_url}{path}",
                    params=params,
                    content=body,
                    headers=headers,
                    extensions={"trace": trace},
                ) as response,
            ):
                answer = _whole(response)
        except _NETWORK as error:
            raise Unreached(trace.failure, _why(error), may_have_left=trace.may_have_left) from error
        self.date = answer.date or self.date
        return answer

    def _pool(self, keep_alive: int) -> httpcore.ConnectionPool:
        backend = DeadlineBackend(self._deadline, self._look_up, only_here=self._tls is None)
        given: dict[str, Any] = {
            "ssl_context": self._tls,
            "max_connections": None,
            "max_keepalive_connections": keep_alive,
            "keepalive_expiry": _IDLE,
            "http1": True,
            "http2": False,
            "retries": 0,
            "network_backend": backend,
        }
        proxy = self._settings.proxy
        if not self._tunnel or proxy is None:
            return httpcore.ConnectionPool(**given)
        auth = None if proxy.auth is None else (proxy.auth[0].reveal(), proxy.auth[1].reveal())
        address = httpcore.URL(scheme=b"http", host=proxy.host.encode(), port=proxy.port, target=b"/")
        return httpcore.HTTPProxy(address, proxy_auth=auth, **given)

    def _client(self, *, keep_alive: int) -> httpx.Client:
        """A client with a pool of its own."""
        settings = self._settings
        pool = self._pool(keep_alive)
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": settings.user_agent,
        }
        if not keep_alive:
            headers["Connection"] = "close"
        return httpx.Client(
            transport=_Transport(pool),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(settings.total_timeout, connect=settings.connect_timeout),
            headers=headers,
        )


def _whole(response: httpx.Response) -> Answer:
    raw = bytearray()
    for part in response.iter_raw():
        raw += part
        if len(raw) > MOST_BYTES:
            break
    headers = response.headers
    body = decoded(bytes(raw), headers.get("content-encoding", ""))
    date = http_date(headers.get("date", ""))
    return Answer(
        status=response.status_code,
        content_type=headers.get("content-type", ""),
        body=b"" if isinstance(body, Malformed) else body,
        malformed=body if isinstance(body, Malformed) else None,
        retry_after=retry_after(headers.get("retry-after", ""), date),
        date=date,
    )


def _tls(ca_file: str | None) -> ssl.SSLContext:
    """Verification on, TLS 1.2 or newer, the bundled authorities or those of one file.

    Built by hand: the standard library's default context takes files from the environment.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=ca_file or certifi.where())
    except OSError as error:
        raise UsageError(
            "the file of certificate authorities cannot be used",
            fix="name a PEM file that holds certificates",
            code="ZS813",
        ) from error
    return context


def _why(error: Exception) -> str:
    """What failed, in a few words; a library's own text only where it speaks of TLS."""
    if isinstance(error, httpcore.ProxyError):
        return f"the proxy makes no connection ({plain(str(error))})"
    if isinstance(error, httpcore.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, httpcore.TimeoutException):
        return "no whole answer in time"
    if isinstance(error, httpcore.ConnectError):
        # The pool raises what it caught "from None", so the cause is found by the context.
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, OSError):
            cause = cause.__cause__ or cause.__context__
        return _why_not_connected(cause) if cause is not None else plain(str(error))
    if isinstance(error, httpcore.ProtocolError):
        return "the answer is not whole, or not HTTP"
    return "the connection broke"


def _why_not_connected(cause: OSError) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({plain(cause.verify_message)})"
    if isinstance(cause, ssl.SSLError):
        return f"TLS failed ({plain(cause.reason or 'no reason given')})"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    return plain(cause.strerror or "no connection")
