"""What is compiled when an image is built, and used when its containers start."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodetool_jupyter.worker import prepared

READ = """
import sys
from pathlib import Path
from nodetool_jupyter.worker import prepared
prepared.FILE = Path(sys.argv[1])
if sys.argv[2:]:
    prepared.prepare()
else:
    prepared.use_prepared()
    run, compiled = prepared.dataclasses.exec, []
    def note(text, *names):
        compiled.append(text not in run.args[0])
        run(text, *names)
    prepared.dataclasses.exec = note
    import nodetool_jupyter.worker.contained
    print(len(compiled), sum(compiled))
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(prepared, "FILE", tmp_path / "prepared.bin")
    yield prepared.FILE
    vars(dataclasses).pop("exec", None)


def test_nothing_was_prepared(file: Path) -> None:
    """All is compiled as ever."""
    prepared.use_prepared()
    assert not file.exists()
    assert "exec" not in vars(dataclasses)


def test_what_a_container_imports(file: Path) -> None:
    """None of it is compiled again: what its modules need is what the image has."""
    for argument in (["prepare"], []):
        command = [sys.executable, "-P", "-c", READ, str(file), *argument]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    count, compiled = map(int, said.split())
    assert count > 100
    assert compiled == 0


def test_a_class_that_was_not_met(file: Path) -> None:
    """It is what it would be without."""
    file.write_bytes(b"{0")  # an empty dict, as marshal has it
    prepared.use_prepared()
    assert "exec" in vars(dataclasses)

    @dataclasses.dataclass(frozen=True, slots=True)
    class Point:
        x: int
        y: int = 2

    assert Point(1) == Point(1, 2)
    assert repr(Point(1)).endswith("Point(x=1, y=2)")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Point(1).x = 2  # type: ignore[misc]
