"""The pipes between a supervisor and its worker: what the worker prints, and its last word."""

from __future__ import annotations

import os
from dataclasses import dataclass
from secrets import token_hex

from nodetool_jupyter.errors import ErrorCode, WorkflowError
from nodetool_jupyter.model.events import Fault, JobUpdate, decode_update, encode_event
from nodetool_jupyter.worker.output import Output

BLOCK = 256 * 1024
LONGEST_END = 4 * 1024 * 1024
DRAIN = 64
"""Blocks of output that are still read after the worker's end."""


@dataclass(frozen=True, slots=True)
class WorkerEnds:
    """Descriptors for the worker. ``bell`` is the launcher's, and comes with the job."""

    output: int
    """Takes the place of stdout and stderr."""
    end: int
    """The terminal message goes here."""
    token: bytes
    """What the end begins with: whoever else finds the pipe doesn't know it."""
    bell: int = -1


@dataclass(frozen=True, slots=True)
class Told:
    """What a worker has said of its end: the terminal message and the size of its log, or the fault of one
    that has told something else, or nothing.
    """

    update: JobUpdate | None = None
    log_size: int | None = None
    fault: Fault | None = None


def spoken(token: bytes, log_size: int, update: JobUpdate) -> bytes:
    """The end as it is told; ``log_size`` shows whether anyone else has written to the log."""
    return b"%s %d %s\n" % (token, log_size, encode_event(update))


class Pipes:
    """The supervisor's ends. ``output`` is read all the time, so that the worker never waits for us."""

    def __init__(self) -> None:
        self.output_fd, output = os.pipe()
        self.end_fd, end = os.pipe()
        for fd in (self.output_fd, self.end_fd):
            os.set_blocking(fd, False)
        self.worker_ends = WorkerEnds(output, end, token_hex(16).encode())
        self.output = Output()
        self._end = bytearray()

    def close_in_supervisor(self) -> None:
        """Let go of the worker's ends, so that their closing is seen."""
        os.close(self.worker_ends.output)
        os.close(self.worker_ends.end)

    def close(self) -> None:
        """Let go of the supervisor's ends."""
        os.close(self.output_fd)
        os.close(self.end_fd)

    def read_output(self) -> bool:
        """Keep what was printed; False at its end."""
        data = _read(self.output_fd)
        self.output.add(data or b"")
        return data != b""

    def read_end(self) -> bool:
        """Keep what was said of the end; False once there is no more."""
        return _read_all(self.end_fd, self._end) is not None

    def drain(self) -> None:
        """After the worker's end: what is still in the pipes, within bounds."""
        for _ in range(DRAIN):
            if not (data := _read(self.output_fd)):
                break
            self.output.add(data)
        while _read_all(self.end_fd, self._end):
            continue

    def told(self) -> Told:
        """What came by the pipe for the end. Only what the worker itself has said counts: it knows the token.

        A worker that was killed may have told the beginning of its end, which is nothing.
        """
        said, start = bytes(self._end), self.worker_ends.token + b" "
        if b"\n" not in said and (said.startswith(start) or start.startswith(said)):
            return Told()
        size, _, line = said.removeprefix(start).partition(b" ")
        update = _decoded(line) if said.startswith(start) and size.isdigit() else None
        if update is not None and update.status in ("completed", "failed", "cancelled", "suspended"):
            return Told(update, int(size))
        return Told(
            fault=Fault(
                code=ErrorCode.PROTOCOL_ERROR,
                message="something else than the worker has told an end of the job, which is not believed",
                hint="a node may have written to a pipe that is not its own",
            )
        )


def expect_end() -> None:
    """Have the reader of an end made, which takes its time at first, before there is one."""
    _decoded(encode_event(JobUpdate(status="completed")))


def _decoded(line: bytes) -> JobUpdate | None:
    try:
        return decode_update(line)
    except WorkflowError:
        return None


def _read(fd: int) -> bytes | None:
    """What is in a pipe; empty at its end, None where nothing is there yet."""
    try:
        return os.read(fd, BLOCK)
    except BlockingIOError:
        return None


def _read_all(fd: int, into: bytearray) -> int | None:
    """Add what is in a pipe, within bounds, and give how much there was; None at its end."""
    data = _read(fd)
    into += data or b""
    del into[LONGEST_END:]
    return None if data == b"" else len(data or b"")
