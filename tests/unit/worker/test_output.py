"""The beginning and the end of what processes write, within bounds."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from nodetool_jupyter.worker.folder import EXIT, OUTPUT, RunFolder
from nodetool_jupyter.worker.output import HEAD, TAIL, Output
from nodetool_jupyter.worker.outputs import SHOWN_HEAD, SHOWN_TAIL, read_written


@given(st.lists(st.binary(max_size=30)), st.integers(1, 20), st.integers(1, 20))
def test_beginning_and_end_are_kept(parts: list[bytes], head: int, tail: int) -> None:
    """In whatever pieces it comes; all of it where it is short; what is left out is counted."""
    output = Output(head, tail)
    for part in parts:
        output.add(part)
    data, whole = b"".join(parts), output.whole()
    assert output.dropped == max(0, len(data) - head - tail)
    if not output.dropped:
        assert whole == data
        return
    assert whole.startswith(data[:head])
    assert whole.endswith(data[-tail:])
    assert f"\n… {output.dropped} bytes left out …\n".encode() in whole


def test_it_stays_small() -> None:
    """However much comes."""
    output = Output(10, 10)
    for _ in range(100):
        output.add(b"x" * 1000)
        assert len(output._head) + len(output._tail) <= 10 + 20 + 1000
    assert output.whole().count(b"x") == 20


def test_last_lines_are_text() -> None:
    """Bytes that are none are shown escaped, and only so many lines."""
    output = Output()
    output.add(b"first\n" + b"line\n" * 100 + b"\xff\n")
    lines = output.last_lines(3).split("\n")
    assert lines == ["line", "line", "\\xff"]


def folder_with(path: Path, data: bytes, dropped: int) -> RunFolder:
    (path / OUTPUT).write_bytes(data)
    folder = RunFolder(path)
    folder.write_record(EXIT, {"dropped_bytes": dropped})
    return folder


def test_what_is_shown_is_bounded_further(tmp_path: Path) -> None:
    """What was left out when it was written and what is left out now are told in one number."""
    assert read_written(RunFolder(tmp_path)) == ""
    assert read_written(folder_with(tmp_path, b"short\n", 0)) == "short\n"
    output = Output()
    output.add(b"a" * HEAD + b"b" * 1000 + b"c" * TAIL)
    shown = read_written(folder_with(tmp_path, output.whole(), output.dropped))
    left_out = HEAD + 1000 + TAIL - SHOWN_HEAD - SHOWN_TAIL
    assert shown == f"{'a' * SHOWN_HEAD}\n… {left_out:,} bytes left out …\n{'c' * SHOWN_TAIL}"
