"""The pipes between a supervisor and its worker: what the worker prints, and its last word."""

from __future__ import annotations

import os
from dataclasses import dataclass

from nodetool_jupyter.errors import ErrorCode, WorkflowError
from nodetool_jupyter.model.events import Fault, JobUpdate, decode_event
from nodetool_jupyter.worker.output import Output

BLOCK = 256 * 1024
LONGEST_END = 4 * 1024 * 1024
DRAIN = 64
"""Blocks of output that are still read after the worker's end."""


@dataclass(frozen=True, slots=True)
class WorkerEnds:
    """Descriptors for the worker. ``bell`` is the launcher's; it rings for new messages."""

    output: int
    """Takes the place of stdout and stderr."""
    end: int
    """The terminal message goes here."""
    bell: int


class Pipes:
    """The supervisor's ends. ``output`` is read all the time, so that the worker never waits for us."""

    def __init__(self, bell: int) -> None:
        self.output_fd, output = os.pipe()
        self.end_fd, end = os.pipe()
        for fd in (self.output_fd, self.end_fd):
            os.set_blocking(fd, False)
        self.worker_ends = WorkerEnds(output, end, bell)
        self.output = Output()
        self._end = bytearray()

    def close_in_supervisor(self) -> None:
        """Let go of the worker's ends, so that their closing is seen."""
        os.close(self.worker_ends.output)
        os.close(self.worker_ends.end)

    def close_in_worker(self) -> None:
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
        data = _read(self.end_fd)
        self._end += data or b""
        del self._end[LONGEST_END:]
        return data != b""

    def drain(self) -> None:
        """After the worker's end: what is still in the pipes, within bounds."""
        for _ in range(DRAIN):
            if not (data := _read(self.output_fd)):
                break
            self.output.add(data)
        while data := _read(self.end_fd):
            self._end += data

    def told(self) -> tuple[JobUpdate | None, Fault | None]:
        """The terminal message, or the fault of a worker that has told something else."""
        if not self._end.endswith(b"\n"):
            return None, None
        try:
            update = decode_event(bytes(self._end))
        except WorkflowError:
            update = None
        if isinstance(update, JobUpdate) and update.status in ("completed", "failed", "cancelled"):
            return update, None
        return None, Fault(
            code=ErrorCode.PROTOCOL_ERROR,
            message="the worker told no end of a job, but something else",
            hint="a node may have written to a pipe that is not its own",
        )


def _read(fd: int) -> bytes | None:
    """What is in a pipe; empty at its end, None where nothing is there yet."""
    try:
        return os.read(fd, BLOCK)
    except BlockingIOError:
        return None
