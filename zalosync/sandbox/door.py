"""The ASGI application over a model: reads requests, acts replies out, works in the background.

One event loop owns the model. What takes long (opening sampled values, pushing reports) runs in a thread and
comes back to the loop with its result.
"""

import asyncio
import contextlib
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from zalosync.sandbox import checks, control, decrypt, webhook
from zalosync.sandbox.answers import Reply, Wire
from zalosync.sandbox.clock import Clock
from zalosync.sandbox.model import Model
from zalosync.sandbox.routes import Request

if TYPE_CHECKING:
    from zalosync.sandbox.post import Poster

_TICK_S: Final = 0.05
_BUSY_S: Final = 0.005  # while pushes are due
_PUSHES_AT_A_TIME: Final = 20
_CHECKS_AT_A_TIME: Final = 8
_HANG_S: Final = 300.0  # longer than any client waits
_INTERIM: Final = b"HTTP/1.1 103 Early Hints\r\nlink: </>; rel=preload\r\n\r\n"


class Door:
    """An ASGI application over one model, with its background work. Lives in one event loop."""

    def __init__(self, model: Model, clock: Clock) -> None:
        self.model = model
        self.clock = clock
        self._checker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-check")
        self._pushers = ThreadPoolExecutor(max_workers=4, thread_name_prefix="sandbox-push")
        self._poster: Poster | None = None  # made when the first push is due
        self._checking = False
        self._pushing: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def connected(self) -> Wire | None:
        """What a fault does to a connection that has just opened."""
        return self.model.connected(self.clock.now())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request: the model answers it, and the answer is acted out."""
        transport: asyncio.Transport = scope["sandbox.transport"]
        head = Request(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            b"",
        )
        if not head.path.startswith(control.PREFIX):
            early = self.model.head(head, self.clock.now())
            if early is not None:
                if early.wire.action == "hang":
                    transport.pause_reading()  # and so nobody notices when the caller leaves
                    await self._pause(_HANG_S)
                    reset(transport)
                    return
                await self._act(early, transport, receive, send)
                return
        body = await _read(receive)
        if body is None:
            return
        request = Request(head.method, head.path, head.query, head.headers, body)
        if request.path == control.MESSAGES:
            await self._stream(request, send)
        elif request.path.startswith(control.PREFIX):
            await _send(control.handle(self.model, self.clock, request), send)
        else:
            await self._act(self.model.handle(request, self.clock.now()), transport, receive, send)

    async def _act(self, reply: Reply, transport: asyncio.Transport, receive: Any, send: Any) -> None:
        wire = reply.wire
        if wire.delay_ms:
            await self._pause(wire.delay_ms / 1000)
        if wire.interim:
            transport.write(_INTERIM)
        if wire.action == "answer":
            await (self._drip(reply, send) if wire.drip_ms else _send(reply, send))
            return
        if wire.action == "hang":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone(receive), _HANG_S)
        elif wire.action == "cut_headers":
            transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-le")
        elif wire.action == "cut_body":
            await _start(reply, send)
            await send({"type": "http.response.body", "body": reply.body[: wire.keep], "more_body": True})
        if wire.action in ("reset", "hang"):
            reset(transport)
        else:
            transport.close()
        await _disconnected(receive)

    async def _pause(self, seconds: float) -> None:
        """So long, or until the sandbox ends."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _drip(self, reply: Reply, send: Any) -> None:
        await _start(reply, send)
        for place in range(len(reply.body)):
            await send(
                {"type": "http.response.body", "body": reply.body[place : place + 1], "more_body": True}
            )
            await self._pause(reply.wire.drip_ms / 1000)
        await send({"type": "http.response.body", "body": b""})

    async def _gone(self, receive: Any) -> None:
        """Until the caller has gone, or the sandbox ends."""
        gone = asyncio.ensure_future(_disconnected(receive))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((gone, stopping), return_when=asyncio.FIRST_COMPLETED)
        for each in (gone, stopping):
            each.cancel()

    async def _stream(self, request: Request, send: Any) -> None:
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for chunk in control.stream(self.model, self.clock, request):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def background(self) -> None:
        """Lets time pass, opens sampled values, pushes reports; until cancelled."""
        while True:
            self.model.advance(self.clock.now())
            jobs = [] if self._checking else checks.waiting(self.model.world, _CHECKS_AT_A_TIME)
            if jobs:
                self._checking = True
                self._start_task(self._check(jobs))
            room = _PUSHES_AT_A_TIME - len(self._pushing)
            found = webhook.due(self.model.world, self.clock.now(), busy=self._pushing, limit=room)
            for item in found:
                self._pushing.add(item.id)
                self._start_task(self._push(item))
            for task in [each for each in self._tasks if each.done()]:
                self._tasks.discard(task)
                task.result()
            await asyncio.sleep(_BUSY_S if self._pushing else _TICK_S)

    def _start_task(self, work: Any) -> None:
        self._tasks.add(asyncio.get_running_loop().create_task(work))

    async def _check(self, jobs: list[decrypt.Check]) -> None:
        loop = asyncio.get_running_loop()
        done = await loop.run_in_executor(self._checker, decrypt.run_all, jobs)
        checks.record(self.model.world, done, self.clock.now())
        self._checking = False

    async def _push(self, item: webhook.Post) -> None:
        from zalosync.sandbox.post import Poster

        if self._poster is None:
            self._poster = Poster()
        status = await asyncio.get_running_loop().run_in_executor(self._pushers, self._poster.post, item)
        webhook.record(self.model.world, item.id, status, self.clock.now())
        self._pushing.discard(item.id)

    def stop(self) -> None:
        """Ends what hangs or waits on purpose."""
        self._stopping.set()

    async def close(self) -> None:
        """Waits for work in threads and takes its results."""
        await asyncio.gather(*self._tasks)
        self._checker.shutdown()
        self._pushers.shutdown()
        if self._poster is not None:
            self._poster.close()


async def _disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _read(receive: Any) -> bytes | None:
    """The body, or None when the caller left before its end."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def _start(reply: Reply, send: Any) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})


async def _send(reply: Reply, send: Any) -> None:
    await _start(reply, send)
    await send({"type": "http.response.body", "body": reply.body})


def reset(transport: asyncio.Transport) -> None:
    """Ends a connection with a TCP reset, if the other side has not ended it yet."""
    if transport.is_closing():
        return
    linger = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
