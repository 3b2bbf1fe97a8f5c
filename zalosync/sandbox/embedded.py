"""The sandbox inside the calling process: one thread, one loopback port, the state in a folder."""

import asyncio
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from zalosync.sandbox.model import Model
from zalosync.sandbox.server import Options, Running, SandboxBusy, listen, open_model, url
from zalosync.sandbox.settings import DEFAULT_API_KEY, Settings

__all__ = ["EmbeddedSandbox", "SandboxBusy"]


class EmbeddedSandbox:
    """A running sandbox as a context manager; its file remembers earlier runs. Raises SandboxBusy on enter.

    Only one process may own a state folder; the lock ends with the process, however it ends.
    """

    def __init__(
        self, state_dir: Path, *, settings: Settings | None = None, port: int = 0, speed: float = 1.0
    ) -> None:
        self._options = Options(state_dir=state_dir, port=port, speed=speed, settings=settings or Settings())
        self._stack = ExitStack()
        self._running: Running | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self.base_url = ""
        self.api_key = next(
            (c.secret for c in self._options.settings.credentials if c.scheme == "App"), DEFAULT_API_KEY
        )

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            model, clock = stack.enter_context(open_model(self._options))
            listener = stack.enter_context(listen(self._options.port))
            self.base_url = url(listener)
            self.model: Model = model
            running = self._running = Running(model, clock)

            def run() -> None:
                try:
                    asyncio.run(running.serve_until_stopped(listener))
                except BaseException as error:  # noqa: BLE001 - handed to the caller on exit
                    self._failure = error

            self._thread = threading.Thread(target=run, name="sandbox", daemon=True)
            self._thread.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running is not None and self._thread is not None:
            self._running.should_exit = True
            self._thread.join()
        self._stack.close()
        if self._failure is not None and error is None:
            raise RuntimeError("the embedded sandbox ended by an error") from self._failure
