"""The process that reads Parquet and Excel files for `apart`: their readers can abort the one they are in.

Damaged bytes make them panic in several threads at once, which ends the process, or ask for memory beyond
measure. Here that ends nothing but the reading of this file. The process has a limit of memory and of
processor time, no environment, no core dump (it would hold people's data), and says nothing on its own.

Requests come in as lines of JSON, answers go out as frames: a tag, a length, a body. After the columns the
process waits: `GO` asks for the rows, another request begins anew, an end of the requests ends it.
"""

import io
import json
import os
import resource
import struct
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO

import polars as pl

from zalosync.audience import excel, parquet
from zalosync.audience.limits import Limits
from zalosync.audience.part import Part
from zalosync.audience.source import Source
from zalosync.errors import SpecError

READY, PART, NOTE, BROKEN, BUG, DONE = b"R", b"P", b"N", b"B", b"X", b"Z"
GO = b"go\n"
HEAD = struct.Struct("<cI")  # tag, bytes of the body
LINE = "__line"  # no column of a file may begin so
_PIECE = 32 * 2**20  # bytes of text in one frame
_BASE = 2**30  # bytes for the libraries, their threads, and to look at a file before it is read
_TIMES = 4  # what a byte of the file's content may take: decoded, as text, handed over
_CEILING = 4 * 2**30  # bytes, whatever a file holds
_SECONDS = 600  # of processor time for one file

Send = Callable[[bytes, bytes], None]


@dataclass(frozen=True, slots=True)
class Request:
    """One file to read: its kind, its name, its descriptor here, and what it may be."""

    kind: str
    file: str
    descriptor: int
    limits: dict[str, int]


def serve(requests: BinaryIO, send: Send) -> None:
    """Answer requests until there are no more."""
    send(READY, b"")
    line = requests.readline()
    while line:
        line = _answer(Request(**json.loads(line)), requests, send)


def _answer(asked: Request, requests: BinaryIO, send: Send) -> bytes:
    """Read one file; returns the request that comes next."""
    _limit(_BASE)
    try:
        parts = _parts(asked, lambda sentence: send(NOTE, sentence.encode()))
        send(PART, _packed(next(parts)))
        line = requests.readline()
        if line != GO:
            return line
        for part in parts:
            for piece in _pieces(part):
                send(PART, _packed(piece))
        send(DONE, b"")
    except SpecError as error:
        send(BROKEN, json.dumps([asdict(problem) for problem in error.problems]).encode())
    except MemoryError:
        raise  # the file's doing, as every other way to die
    except Exception as error:  # noqa: BLE001 - its words may quote the file, its name does not
        send(BUG, type(error).__name__.encode())
    return requests.readline()


def _parts(asked: Request, note: Callable[[str], object]) -> Iterator[Part]:
    stream = open(asked.descriptor, "rb", closefd=False)  # noqa: SIM115 - the parent's, open as long as it is
    source = Source(asked.file, stream, os.fstat(asked.descriptor))
    limits = Limits(**asked.limits)

    def measured(size: int) -> None:
        _limit(min(_BASE + _TIMES * size, _CEILING))

    if asked.kind == ".parquet":
        return parquet.parts(source, limits, measured)
    return excel.parts(source, limits, measured, note)


def _pieces(part: Part) -> Iterator[Part]:
    """The same rows in parts that are small enough to be handed over."""
    height = part.frame.height
    if height > 1 and sum(part.frame.select(pl.all().str.len_bytes().sum()).row(0)) > _PIECE:
        half = height // 2
        yield from _pieces(Part(part.frame.head(half), part.lines.head(half)))
        yield from _pieces(Part(part.frame.slice(half), part.lines.slice(half)))
    else:
        yield part


def _packed(part: Part) -> bytes:
    stream = io.BytesIO()
    part.frame.with_columns(part.lines.alias(LINE)).write_ipc_stream(
        stream, compat_level=pl.CompatLevel.oldest()
    )
    return stream.getvalue()


def _limit(memory: int) -> None:
    """Give this process so many bytes and a share of processor time, counted from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + _SECONDS
    for kind, wanted in ((resource.RLIMIT_DATA, memory), (resource.RLIMIT_CPU, seconds)):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def main() -> None:
    """Serve the requests on standard input; nothing but answers leaves by any way."""
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        answers = os.fdopen(os.dup(1), "wb", buffering=0)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)

        def send(tag: bytes, body: bytes) -> None:
            for piece in (HEAD.pack(tag, len(body)), body):
                left = memoryview(piece)
                while left:
                    left = left[answers.write(left) :]

        serve(os.fdopen(os.dup(0), "rb"), send)
    finally:
        os._exit(0)  # threads that panicked would hold up an orderly end


if __name__ == "__main__":
    main()
