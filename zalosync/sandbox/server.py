"""Serving the sandbox: one process owns the state file, one event loop answers on loopback."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from zalosync.sandbox import faults, kept, store
from zalosync.sandbox.clock import Clock
from zalosync.sandbox.door import Door, reset
from zalosync.sandbox.model import Model
from zalosync.sandbox.settings import Settings

_TICK_S: Final = 0.02
_LAST_TICK_S: Final = 0.002  # while the last answers are given
_GRACE_S: Final = 2  # for which they may take


class SandboxBusy(RuntimeError):
    """Another process owns the state file; the text names it and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to serve: where the state lives, which port (0: any free one), how fast time goes, what fails."""

    state_dir: Path
    port: int = 0
    speed: float = 1.0
    settings: Settings = field(default_factory=Settings)
    faults: Path | None = None


@contextlib.contextmanager
def open_model(options: Options) -> Iterator[tuple[Model, Clock]]:
    """The model over its state file, owned by this process alone. Raises SandboxBusy, SettingsError."""
    script = faults.load(options.faults) if options.faults is not None else []
    options.state_dir.mkdir(parents=True, exist_ok=True)
    path = options.state_dir / store.FILE
    lock = FileLock(path.with_suffix(".lock"), timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise SandboxBusy(
            f"{path}: another process runs a sandbox on this file; end it first, or give another folder"
        ) from None
    try:
        with contextlib.closing(store.connect(options.state_dir)) as connection:
            model = Model(connection, options.settings)
            clock = Clock(model.world.store, speed=options.speed)
            model.change(kept.settings(model.world.store, options.settings))
            model.script.add(script, clock.now())
            for fault, since in kept.faults(model.world.store):
                model.script.add([fault], since, by_call=True)
            yield model, clock
            clock.keep()
    finally:
        lock.release()


class _Protocol(H11Protocol):
    """Uvicorn's HTTP/1.1, which tells the application its transport: faults act on the connection itself."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        door: Any = self.app
        wire = door.connected()
        if wire is not None:
            if wire.action == "reset":
                reset(transport)
            else:
                transport.close()

        async def with_transport(scope: Any, receive: Any, send: Any) -> None:
            scope["sandbox.transport"] = transport
            await door(scope, receive, send)

        self.app = with_transport


class Running(Server):
    """Uvicorn around a model, on a socket that is bound before it starts. `should_exit` ends it."""

    def __init__(self, model: Model, clock: Clock) -> None:
        self._model = model
        self._clock = clock
        self._door: Door | None = None
        super().__init__(_config(None))

    async def serve_until_stopped(self, listener: socket.socket) -> None:
        """Serves until `should_exit`; what fails in the background fails this."""
        door = self._door = Door(self._model, self._clock)
        self.config = _config(door)
        background = asyncio.create_task(door.background())
        background.add_done_callback(self._background_ended)
        try:
            await self._serve([listener])
        finally:
            background.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await background
            await door.close()

    def _background_ended(self, _task: "asyncio.Task[None]") -> None:
        self.should_exit = True

    async def main_loop(self) -> None:
        """Waits for `should_exit`; there is nothing else to do at a tick, so an end comes soon."""
        while not self.should_exit:  # noqa: ASYNC110 - a plain flag that other threads set
            await asyncio.sleep(_TICK_S)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends connections, also those that hang on purpose, in 0.1 s less than uvicorn would take."""
        if self._door is not None:
            self._door.stop()
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        last = asyncio.get_running_loop().time() + _GRACE_S
        while self._busy and asyncio.get_running_loop().time() < last:  # noqa: ASYNC110 - uvicorn's numbers
            await asyncio.sleep(_LAST_TICK_S)
        for task in self.server_state.tasks:
            task.cancel()

    @property
    def _busy(self) -> bool:
        return bool(self.server_state.connections or self.server_state.tasks)


def _config(door: Door | None) -> Config:
    return Config(
        door,  # type: ignore[arg-type]  # given once there is a loop
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=False,
    )


def listen(port: int) -> socket.socket:
    """A bound loopback socket; port 0 takes a free one. Raises OSError for a port that is taken."""
    # With the protocol named, asyncio switches Nagle off on what it accepts: 40 ms less an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)  # callers can connect at once; the loop takes them when it runs
    except OSError:
        listener.close()
        raise
    return listener


def url(listener: socket.socket) -> str:
    """Base URL of a bound socket."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def serve(options: Options) -> None:
    """Serves until SIGINT or SIGTERM, prints one line first. Raises SandboxBusy, SettingsError, OSError."""
    with open_model(options) as (model, clock), listen(options.port) as listener:
        running = Running(model, clock)

        async def main() -> None:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, setattr, running, "should_exit", True)
            sys.stdout.write(f"sandbox listening on {url(listener)}\n")
            sys.stdout.flush()
            await running.serve_until_stopped(listener)

        asyncio.run(main())
