"""The door to the world: HTTP over the model, real time, and the threads that the model does without.

One event loop owns the model. What takes long (opening sampled values, pushing reports) runs in a thread of its own and
comes back to the loop with its result.
"""

import asyncio
import contextlib
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from zalosync.sandbox import checks, control, decrypt, store
from zalosync.sandbox.answers import Reply
from zalosync.sandbox.clock import Clock
from zalosync.sandbox.model import Model, Request
from zalosync.sandbox.settings import Settings

_TICK_S: Final = 0.05


class SandboxBusy(RuntimeError):
    """Another process owns the state file; the text names it and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to serve: where the state lives, which port (0: any free one), how fast time goes, which switches."""

    state_dir: Path
    port: int = 0
    speed: float = 1.0
    settings: Settings = field(default_factory=Settings)
    faults: Path | None = None


@contextlib.contextmanager
def open_model(options: Options) -> Iterator[tuple[Model, Clock]]:
    """The model over its state file, owned by this process alone; raises SandboxBusy when another has it."""
    options.state_dir.mkdir(parents=True, exist_ok=True)
    path = options.state_dir / store.FILE
    lock = FileLock(path.with_suffix(".lock"), timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise SandboxBusy(
            f"{path}: another process runs a sandbox on this file; end it first, or give another folder"
        ) from None
    connection = None
    try:
        connection = store.connect(options.state_dir)
        model = Model(connection, options.settings)
        clock = Clock(model.world.store, speed=options.speed)
        yield model, clock
        clock.keep()
    finally:
        if connection is not None:
            connection.close()
        lock.release()


class _Protocol(H11Protocol):
    """Uvicorn's HTTP/1.1, which also tells the application its transport: faults act on the connection itself."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner = self.app

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope["sandbox.transport"] = transport
            await inner(scope, receive, send)

        self.app = with_transport


class Door:
    """An ASGI application over one model, with its background work."""

    def __init__(self, model: Model, clock: Clock) -> None:
        self.model = model
        self.clock = clock
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-check")
        self._checking = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Reads a request, lets the model answer, and acts the answer out on the connection."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        request = Request(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            bytes(body),
        )
        if request.path.startswith("/sandbox/"):
            reply = control.handle(self.model, self.clock, request)
        else:
            reply = self.model.handle(request, self.clock.now())
        await self._act(reply, scope["sandbox.transport"], send)

    async def _act(self, reply: Reply, transport: asyncio.Transport, send: Any) -> None:
        wire = reply.wire
        if wire.delay_ms:
            await asyncio.sleep(wire.delay_ms / 1000)
        if wire.action == "reset":
            _reset(transport)
        elif wire.action == "close":
            transport.close()
        else:
            headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
            headers.append((b"content-length", str(len(reply.body)).encode()))
            await send({"type": "http.response.start", "status": reply.status, "headers": headers})
            await send({"type": "http.response.body", "body": reply.body})

    async def tick(self) -> None:
        """The background: lets time pass and hands sampled messages to the checking thread. Runs until cancelled."""
        while True:
            self.model.advance(self.clock.now())
            if not self._checking:
                jobs = checks.waiting(self.model.world)
                if jobs:
                    self._checking = True
                    future = asyncio.get_running_loop().run_in_executor(self._threads, decrypt.run_all, jobs)
                    future.add_done_callback(self._checked)
            await asyncio.sleep(_TICK_S)

    def _checked(self, future: "asyncio.Future[list[decrypt.Checked]]") -> None:
        self._checking = False
        checks.record(self.model.world, future.result(), self.clock.now())

    def close(self) -> None:
        """Ends the background threads."""
        self._threads.shutdown(wait=True, cancel_futures=True)


def _reset(transport: asyncio.Transport) -> None:
    """Ends a connection with a TCP reset."""
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


class Running(Server):
    """Uvicorn around a door, on a socket that is bound before it starts."""

    def __init__(self, door: Door) -> None:
        config = Config(
            door,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        super().__init__(config)
        self.door = door

    async def serve_until_stopped(self, listener: socket.socket) -> None:
        """Serves and keeps the background going until `should_exit`."""
        background = asyncio.create_task(self.door.tick())
        try:
            await self.serve([listener])
        finally:
            background.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await background
            self.door.close()


def listen(port: int) -> socket.socket:
    """A bound loopback socket; port 0 takes a free one."""
    # with the protocol named, asyncio switches Nagle off on what it accepts
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    return listener


def url(listener: socket.socket) -> str:
    """Base URL of a bound socket."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def serve(options: Options) -> None:
    """Serves until SIGINT or SIGTERM; prints one line when it listens. Raises SandboxBusy, OSError for a taken port."""
    with open_model(options) as (model, clock), listen(options.port) as listener:
        running = Running(Door(model, clock))

        async def main() -> None:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, setattr, running, "should_exit", True)
            sys.stdout.write(f"sandbox listening on {url(listener)}\n")
            sys.stdout.flush()
            await running.serve_until_stopped(listener)

        asyncio.run(main())
