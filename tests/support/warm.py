"""A process that has imported everything and forks a real `zalosync` process for each command asked of it.

A command starts in some milliseconds instead of most of a second, so that hundreds of them can be killed in
a test. Reads one JSON object a line: `module` whose `main` runs, `args`, `cwd`, `env`, `out`, `err`, and what
is to go wrong: `die` (an event of Python's audit hooks, one of `OWN`, or a method as `module:Class.method`,
and a number: the process kills itself with SIGKILL right before that happens for that time), `fail` (the same
and a text: an exception with that text is raised there) and `fsize` (bytes: no file may grow beyond); and
`clock`, the address of a sandbox whose time the command lives by and the seconds that its clock is ahead, or
null. Writes one JSON object a line: `pid` of what was started, or `ended` and its `status`.
"""

import atexit
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from tests.support import witness
from tests.support.moved import MovedClock

MODULES = (
    "alembic.command",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "httpx",
    "polars",
    "sqlalchemy.dialects.sqlite",
    "zalosync.apply.execute",
    "zalosync.cli.adopting",
    "zalosync.cli.apply",
    "zalosync.cli.approve",
    "zalosync.cli.drawing",
    "zalosync.cli.drift",
    "zalosync.cli.facts",
    "zalosync.cli.failure",
    "zalosync.cli.history",
    "zalosync.cli.jobs",
    "zalosync.cli.ledger",
    "zalosync.cli.main",
    "zalosync.cli.plan",
    "zalosync.cli.quotas",
    "zalosync.cli.refresh",
    "zalosync.cli.sealed",
    "zalosync.cli.senders",
    "zalosync.cli.serve",
    "zalosync.cli.settling",
    "zalosync.cli.status",
    "zalosync.cli.who",
    "zalosync.compose.preview",
    "zalosync.compose.template_masked",
    "zalosync.console.documents",
    "zalosync.console.plan_text",
    "zalosync.console.progress",
    "zalosync.console.status_text",
    "zalosync.console.text",
    "zalosync.infobip.client",
    "zalosync.ledger.lineage",
    "zalosync.ledger.place",
    "zalosync.plan.adopt",
    "zalosync.plan.build",
    "zalosync.plan.bundle",
    "zalosync.plan.check",
    "zalosync.refresh.drift",
    "zalosync.refresh.reports",
    "zalosync.refresh.rescue",
    "zalosync.refresh.serving",
    "zalosync.sandbox.__main__",
    "zalosync.sandbox.embedded",
    "zalosync.spec.load",
)
# Moments that Python has no event for: a method, the event before it and the one after it.
OWN = (
    ("zalosync.ledger.store", "Ledger", "_commit", "ledger.commit", "ledger.committed"),
    ("zalosync.apply.flight", "Threads", "_fly", "post.start", "post.done"),
    ("zalosync.apply.flight", "Threads", "landed", "post.wait", "post.landed"),
)


def _told(method: Callable[..., Any], before: str, after: str) -> Callable[..., Any]:
    def told(*given: Any, **named: Any) -> Any:
        sys.audit(before)
        found = method(*given, **named)
        sys.audit(after)
        return found

    return told


def _at(event: str, number: int, act: Callable[[], None]) -> None:
    """Do something right before an audit event happens, or a method is called, for the n-th time."""
    for module, owner, name, *events in OWN:
        if event in events:
            place = getattr(importlib.import_module(module), owner)
            setattr(place, name, _told(getattr(place, name), *events))
    seen = 0

    def hook(name: str, _arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if name == event:
            seen += 1
            if seen == number:
                act()

    if ":" not in event:
        sys.addaudithook(hook)
        return
    module, _, place = event.partition(":")
    owner, _, method = place.partition(".")
    found = getattr(importlib.import_module(module), owner)
    before = getattr(found, method)

    def called(*arguments: Any, **named: Any) -> Any:
        hook(event, ())
        return before(*arguments, **named)

    setattr(found, method, called)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fail(text: str) -> None:
    raise RuntimeError(text)


def _command(asked: dict[str, Any]) -> None:
    """Be the asked for command, in the forked child."""
    os.setsid()
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    tempfile.tempdir = None
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
    os.dup2(os.open(asked["err"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [asked["module"], *asked["args"]]
    if asked["fsize"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["fsize"], resource.RLIM_INFINITY))
    if asked["die"]:
        event, number = asked["die"]
        _at(event, number, _die)
    if asked["fail"]:
        event, number, text = asked["fail"]
        _at(event, number, partial(_fail, text))
    main = importlib.import_module(asked["module"]).main
    if asked["clock"]:
        base_url, _, wrong = asked["clock"].partition(" ")
        main = partial(main, clock=MovedClock(base_url, int(wrong or 0)))
    _end(lambda: sys.exit(main(asked["args"])))


def _end(run: Callable[[], None]) -> NoReturn:
    """Run a command and end as the interpreter does, but for taking a thousand modules apart.

    Threads are waited for, what is registered for the exit happens, output is flushed; only then it ends.
    """
    try:
        run()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            sys.stderr.write(f"{ended.code}\n")
    except BaseException:  # noqa: BLE001 - what the interpreter does with it
        traceback.print_exc()
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        status = status or 120  # the interpreter's own code for output that went nowhere
    os._exit(status)


def _say(document: dict[str, Any]) -> None:
    os.write(1, json.dumps(document).encode() + b"\n")


def serve() -> None:
    """Fork commands until the asking side goes away. In a forked child this never returns."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waiting = b""
    launched = 0
    running: dict[int, int] = {}  # process id to the number of its launch
    while True:
        ready, _, _ = select.select([0, woken], [], [])
        if woken in ready:
            os.read(woken, 1024)
            while True:
                try:
                    pid, status = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    break
                if pid == 0:
                    break
                _say({"ended": running.pop(pid), "status": os.waitstatus_to_exitcode(status)})
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                return
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                pid = os.fork()
                if pid == 0:
                    _command(json.loads(line))
                launched += 1
                running[pid] = launched
                _say({"pid": pid})


if __name__ == "__main__":
    for module in MODULES:
        importlib.import_module(module)
    witness.listen()
    assert threading.active_count() == 1, "a process with threads must not fork"
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page of it
    serve()
