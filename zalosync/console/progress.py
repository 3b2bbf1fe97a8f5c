"""Progress on stderr: a live bar on a terminal, a line for each step in a pipe, JSON records where asked."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import orjson

from zalosync.clock import Clock
from zalosync.console.display import display
from zalosync.console.hints import spelled
from zalosync.events import (
    BatchAnswered,
    Event,
    PhaseAdvanced,
    PhaseEnded,
    PhaseStarted,
    RunStarted,
    Settled,
    Stopping,
    Waiting,
    Warned,
)

if TYPE_CHECKING:  # imported where a bar is drawn: some twentieth of the time that a small plan takes
    from rich.progress import Progress, TaskID

EVERY_SECONDS = 5.0  # between progress lines where there is no terminal


class Reporter:
    """Shows events. A context manager; call it with an event.

    Args:
        clock: for rates and the pace of lines.
        quiet: show warnings only.
        json_lines: one JSON record a line.
    """

    def __init__(self, clock: Clock, *, quiet: bool, json_lines: bool) -> None:
        self._clock = clock
        self._quiet = quiet
        self._json = json_lines
        self._live = sys.stderr.isatty() and not quiet and not json_lines
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._totals = {"accepted": 0, "rejected": 0, "unknown": 0}
        self._last = float("-inf")
        self._started = clock.monotonic()

    def __enter__(self) -> Self:
        if self._live and self._bar is None:
            self._bar = _bar()
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the live display; what is printed after it stays."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case Warned():
                self._line("warning", f"warning: {display(event.message)} [{event.code}]", code=event.code)
            case PhaseStarted():
                self._start(event.phase, event.total)
            case PhaseAdvanced():
                self._advance(event.phase, event.done)
            case PhaseEnded():
                self._end(event)
            case RunStarted():
                self._started = self._clock.monotonic()
                self._start("apply", event.to_send)
                self._line("run", f"run {event.run_id}: {event.to_send:,} to send", run_id=event.run_id)
            case BatchAnswered():
                self._answered(event)
            case Waiting():
                self._line("waiting", f"waiting {event.seconds:.0f} s: {event.reason}", seconds=event.seconds)
            case Settled():
                if event.found or event.remaining:
                    text = f"{event.found:,} unknown messages settled, {event.remaining:,} remain"
                    self._line("settled", text, found=event.found, remaining=event.remaining)
            case Stopping():
                self._line("stopping", f"stopping: {display(event.reason)}")

    def _start(self, phase: str, total: int | None) -> None:
        if self._bar is not None:
            self._tasks[phase] = self._bar.add_task(display(phase), total=total, note="")

    def _advance(self, phase: str, done: int) -> None:
        if self._bar is not None and phase in self._tasks:
            self._bar.update(self._tasks[phase], completed=done)

    def _end(self, event: PhaseEnded) -> None:
        if self._bar is not None and event.phase in self._tasks:
            self._bar.remove_task(self._tasks.pop(event.phase))
        if event.note:
            self._line("phase", f"{display(event.phase)}: {display(event.note)}", phase=event.phase)

    def _answered(self, event: BatchAnswered) -> None:
        counts = {"accepted": event.accepted, "rejected": event.rejected, "unknown": event.unknown}
        for name, count in counts.items():
            self._totals[name] += count
        seconds = max(self._clock.monotonic() - self._started, 1e-6)
        done = sum(self._totals.values())
        rate = f"{done / seconds:,.0f}/s"
        note = ", ".join(f"{count:,} {name}" for name, count in self._totals.items() if count)
        if self._bar is not None and "apply" in self._tasks:
            self._bar.update(
                self._tasks["apply"], completed=done, note=f"{rate}  {note}  {event.in_flight} in flight"
            )
            return
        now = self._clock.monotonic()
        if now - self._last >= EVERY_SECONDS:
            self._last = now
            self._line("progress", f"{note} ({rate})", **self._totals)

    def _line(self, kind: str, text: str, **fields: Any) -> None:
        text = spelled(text)
        if self._quiet and kind not in ("warning", "stopping"):
            return
        if self._json:
            record = {
                "at": f"{self._clock.now():%Y-%m-%dT%H:%M:%SZ}",
                "event": kind,
                "message": text,
                **fields,
            }
            sys.stderr.write(orjson.dumps(record).decode() + "\n")
        elif self._bar is not None:
            self._bar.console.print(text, markup=False, soft_wrap=True)
        else:
            sys.stderr.write(text + "\n")


def _bar() -> "Progress":
    from rich import progress
    from rich.console import Console

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[note]}"),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True, highlight=False),
        transient=True,
    )
