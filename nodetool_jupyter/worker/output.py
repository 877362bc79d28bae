"""What a worker and its children write to stdout and stderr: the beginning and the end, within bounds.

Nodes' own prints are messages of the job; this is the rest: libraries, child processes, crash reports.
"""

from __future__ import annotations

HEAD = 512 * 1024
TAIL = 512 * 1024


class Output:
    """Keeps ``head`` bytes of the beginning and ``tail`` of the end, and counts what lies between."""

    def __init__(self, head: int = HEAD, tail: int = TAIL) -> None:
        self._head_size = head
        self._tail_size = tail
        self._head = bytearray()
        self._tail = bytearray()
        self.dropped = 0
        """Bytes that were left out."""

    def add(self, data: bytes) -> None:
        """Take what was written."""
        space = self._head_size - len(self._head)
        if space > 0:
            self._head += data[:space]
            data = data[space:]
        self._tail += data
        if len(self._tail) > 2 * self._tail_size:
            self._trim()

    def _trim(self) -> None:
        surplus = max(0, len(self._tail) - self._tail_size)
        self.dropped += surplus
        del self._tail[:surplus]

    def whole(self) -> bytes:
        """What is kept, with a line that says what was left out."""
        self._trim()
        gap = f"\n… {self.dropped:,} bytes left out …\n".encode() if self.dropped else b""
        return bytes(self._head) + gap + bytes(self._tail)

    def last_lines(self, count: int = 80, longest: int = 16_384) -> str:
        """The last lines as text; bytes that are no UTF-8 are shown escaped."""
        self._trim()
        end = bytes(self._tail) if len(self._tail) >= longest else self.whole()
        text = end[-longest:].decode(errors="backslashreplace")
        return "\n".join(text.rstrip("\n").split("\n")[-count:])
