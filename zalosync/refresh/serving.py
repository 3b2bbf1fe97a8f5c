"""The receiver on a socket: uvicorn, with an end to requests that do not end."""

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from starlette.applications import Starlette
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from zalosync.refresh.webhook import READ_SECONDS

MOST_CONNECTIONS = 512
IDLE_SECONDS = 15  # that a connection is kept between two pushes
STOP_SECONDS = 10  # for what is in flight when a signal comes


class Patient(H11Protocol):
    """Uvicorn's HTTP/1.1, patient for so long only: a request must be whole within `READ_SECONDS`."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller has connected."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Bytes have come: the first of a request start its time."""
        if self._limit is None:
            self._watch()
        super().data_received(data)

    def on_response_complete(self) -> None:
        """The time of the next request starts with its first byte."""
        self._forget()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone."""
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        self._limit = self.loop.call_later(READ_SECONDS + 1, self._too_slow)

    def _forget(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def _too_slow(self) -> None:
        self._limit = None
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.transport.is_closing():
            self.transport.close()


class _Server(Server):
    def __init__(self, listening: Callable[[str], None], config: Config) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._listening(f"{host}:{port}")


def server(
    application: Starlette,
    *,
    host: str,
    port: int,
    certificate: str | None = None,
    key: str | None = None,
    behind_proxy: bool = False,
    listening: Callable[[str], None],
) -> Server:
    """A server that is ready to run; signals end it after what is in flight.

    Args:
        application: of the receiver.
        host: address to listen on.
        port: 0 takes a free one.
        certificate: PEM file, for TLS.
        key: PEM file, for TLS.
        behind_proxy: whether a proxy on this machine says who calls.
        listening: hears the address, with the port.
    """
    more: dict[str, Any] = {"forwarded_allow_ips": "127.0.0.1"} if behind_proxy else {}
    return _Server(
        listening,
        Config(
            application,
            host=host,
            port=port,
            http=Patient,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            date_header=True,
            server_header=False,
            proxy_headers=behind_proxy,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
            h11_max_incomplete_event_size=16 * 1024,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            **more,
        ),
    )
