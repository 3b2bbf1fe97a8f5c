"""Parquet and Excel files, read in a process of its own, so that a damaged file ends only that process.

The files stay those that were opened and checked: their descriptors are handed over, never their names.
"""

import io
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import polars as pl

from zalosync.audience import child
from zalosync.audience.broken import Code, broken
from zalosync.audience.limits import Limits
from zalosync.audience.part import Part
from zalosync.audience.source import Source
from zalosync.errors import InternalError, Place, Problem, SpecError, ZalosyncError
from zalosync.workers import signals_held

KINDS = (".parquet", ".xlsx")
_PATIENCE = 300.0  # seconds without a word; a row group of a gigabyte takes less than ten
_BLOCK = 1 << 20
_MOST = 1 << 28  # bytes of one answer
_MOST_THREADS = 4
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # some interpreters do not start without
# The caller's package, wherever it is; isolated from the folder, the user's site and PYTHON variables.
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from zalosync.audience.child import main; main()"


class Apart:
    """A reader of some opened files; its process is started with the first question. Close it.

    Args:
        sources: all files that it may be asked for.
        patience: seconds without an answer after which the process is ended.
    """

    def __init__(self, sources: Sequence[Source], *, patience: float = _PATIENCE) -> None:
        self._descriptors = tuple(source.stream.fileno() for source in sources)
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process, self._ready = self._process, None, False
        if process is not None:
            process.kill()
            with process:  # which closes the pipes and waits
                pass

    def parts(
        self, kind: str, source: Source, limits: Limits, note: Callable[[str], object]
    ) -> Iterator[Part]:
        """The rows of one file; the first part has the columns and no rows.

        Another file may be asked for after the columns of this one, which then gives no rows any more.

        Raises:
            SpecError: the file is wrong, or its reader broke down on it.
        """
        request = child.Request(kind, source.file, source.stream.fileno(), asdict(limits))
        whole = False
        try:
            self._say(json.dumps(asdict(request)).encode() + b"\n")
            columns = self._part(note)
            assert columns is not None, "a file has columns before it ends"
            whole = True
            yield columns
            whole = False
            self._say(child.GO)
            while (part := self._part(note)) is not None:
                yield part
            whole = True
        except SpecError:
            whole = True  # the process is well and waits for the next question
            raise
        except _EndedError:
            raise self._broken_down(source.file) from None
        finally:
            if not whole:
                self.close()

    def _say(self, words: bytes) -> None:
        if self._process is None:
            self._process = _started(self._descriptors)
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(words)
        except BrokenPipeError:
            raise _EndedError from None

    def _part(self, note: Callable[[str], object]) -> Part | None:
        """The next part, or None after the last one; notes on the way are passed on."""
        while True:
            tag, size = child.HEAD.unpack(self._read(child.HEAD.size))
            if size > _MOST:
                raise _EndedError
            body = self._read(size)
            match tag:
                case child.READY:
                    self._ready = True
                case child.NOTE:
                    note(body.decode())
                case child.PART:
                    frame = pl.read_ipc_stream(io.BytesIO(body))
                    return Part(frame.drop(child.LINE), frame[child.LINE].alias("line"))
                case child.DONE:
                    return None
                case child.BROKEN:
                    raise SpecError([_problem(facts) for facts in json.loads(body)])
                case _:
                    raise InternalError(f"reading an audience file failed with {body.decode()}")

    def _read(self, size: int) -> bytes:
        """So many bytes of the answer."""
        assert self._process is not None
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        ready = select.poll()
        ready.register(descriptor, select.POLLIN)
        read = bytearray()
        while len(read) < size:
            if not ready.poll(self._patience * 1_000):
                raise _EndedError
            block = os.read(descriptor, min(size - len(read), _BLOCK))
            if not block:
                raise _EndedError
            read += block
        return bytes(read)

    def _broken_down(self, file: str) -> ZalosyncError:
        if not self._ready:
            return InternalError("the process that reads Parquet and Excel files did not start")
        message = "the file's reader broke down on it: the file is damaged, or made to exhaust its memory"
        return broken(Code.FORMAT, file, 1, message, allowed="a file written anew, or CSV")


class _EndedError(Exception):
    """The process ended in the middle of a sentence, or said nothing for too long."""


def _started(descriptors: tuple[int, ...]) -> "subprocess.Popen[bytes]":
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    package = str(Path(__file__).parents[2])
    with signals_held():
        return subprocess.Popen(  # noqa: S603 - this interpreter with a fixed program
            [sys.executable, "-I", "-c", _PROGRAM, package],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env={**environment, "POLARS_MAX_THREADS": str(min(os.cpu_count() or 1, _MOST_THREADS))},
            pass_fds=descriptors,
        )


def _problem(facts: dict[str, Any]) -> Problem:
    return Problem(**{**facts, "place": Place(**facts["place"])})
