"""A total time-out for one exchange, which the HTTP library does not have.

Its time-outs are per operation: a server that sends a byte every second keeps a request open for ever. So
each operation on the socket here gets what is left of the exchange's time, and none starts after its end.
The last is part of the protocol: an intent's deadline is later than the exchange's, so that no byte of a
request can leave after others may have begun to wonder about it.

Only a name server can hold longer: looking a name up cannot be interrupted. When it returns too late,
nothing is connected.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import httpcore

Option = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

LookUp = Callable[[str, int], list[str]]


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a host by the system's own look-up."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Deadline:
    """The end of the exchange that the calling thread is in.

    Args:
        monotonic: seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._thread = threading.local()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give what this thread does inside `seconds` in all."""
        self._thread.end = self._monotonic() + seconds
        try:
            yield
        finally:
            del self._thread.end

    def left(self, wanted: float | None, late: type[Exception]) -> float:
        """Seconds that one operation may take: `wanted`, but not past the end.

        Raises:
            late: the time is over; the operation must not start.
        """
        left: float = self._thread.end - self._monotonic()
        if left <= 0:
            raise late("the exchange's time is over")
        return left if wanted is None else min(left, wanted)


class DeadlineBackend(httpcore.NetworkBackend):
    """Opens connections whose every operation keeps to the deadline.

    Args:
        deadline: of the exchange.
        look_up: the addresses of a host, best first; raises OSError.
        only_here: refuse addresses of other machines: without TLS the key must not leave this one, whatever
            a name server says of `localhost`.
    """

    def __init__(self, deadline: Deadline, look_up: LookUp, *, only_here: bool) -> None:
        self._deadline = deadline
        self._look_up = look_up
        self._only_here = only_here
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Option] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that answers."""
        failure: Exception = httpcore.ConnectError("the name has no address")
        for address in self._addresses(host, port):
            if self._only_here and not ip_address(address).is_loopback:
                raise httpcore.ConnectError("the host's name leads to another machine, without TLS")
            left = self._deadline.left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(stream, self._deadline)
        raise failure

    def _addresses(self, host: str, port: int) -> list[str]:
        """All addresses, so that several dead ones cannot take a connect time-out each past the end."""
        self._deadline.left(None, httpcore.ConnectTimeout)
        try:
            return self._look_up(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the host's name cannot be looked up") from error


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Not by the stream underneath: it would give the whole time to each part the system takes.
        connection = self._stream.get_extra_info("socket")
        view = memoryview(buffer)
        while view:
            connection.settimeout(self._deadline.left(timeout, httpcore.WriteTimeout))
            try:
                view = view[connection.send(view) :]
            except TimeoutError as error:
                raise httpcore.WriteTimeout("the server does not take the request") from error
            except OSError as error:
                raise httpcore.WriteError("the connection broke while writing") from error

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
