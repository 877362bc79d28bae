"""Control groups in both versions of the interface, on folders that look like them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodetool_jupyter.model.request import ResourceLimits
from nodetool_jupyter.worker import cgroup
from nodetool_jupyter.worker.cgroup import ControlGroup, can_limit, make_groups, remove_groups

LIMITS = ResourceLimits(memory=2**20, processes=7)  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands in the place of the system's folder."""
    root = tmp_path / "cgroup"
    root.mkdir()
    monkeypatch.setattr(cgroup, "ROOT", root)
    monkeypatch.setattr(cgroup, "OWN", tmp_path / "own")
    return root


def divided(root: Path) -> None:
    """Version 1: a hierarchy a controller."""
    for name in ("memory", "pids"):
        (root / name / "here").mkdir(parents=True)
        (root / name / "here" / "cgroup.procs").touch()
    (root.parent / "own").write_text("9:pids:/here\n4:memory:/here\n0::/\n")


def unified(root: Path) -> None:
    """Version 2: one for all."""
    folder = root / "user"
    folder.mkdir()
    (root / "cgroup.controllers").touch()
    (folder / "cgroup.procs").touch()
    (folder / "cgroup.subtree_control").write_text("memory pids\n")
    (root.parent / "own").write_text("0::/user\n")


def test_version_1(root: Path) -> None:
    """A group in each hierarchy that a limit needs."""
    divided(root)
    assert can_limit("memory")
    memory, pids = sorted(make_groups("j", LIMITS), key=lambda group: str(group.path))
    assert (memory.path / "memory.limit_in_bytes").read_text() == str(2**20)
    assert (pids.path / "pids.max").read_text() == "7"
    assert memory.path == root / "memory" / "here" / "nodetool-j"


def test_version_2(root: Path) -> None:
    """One group with both."""
    unified(root)
    (group,) = make_groups("j", LIMITS)
    assert (group.path / "pids.max").read_text() == "7"


def test_only_what_is_asked_for(root: Path) -> None:
    """No limit, no group; nothing is made where it can't be."""
    assert make_groups("j", LIMITS) == []
    assert not can_limit("memory")
    divided(root)
    assert make_groups("j", ResourceLimits()) == []
    assert not (root / "memory" / "here" / "nodetool-j").exists()


def test_counters(tmp_path: Path) -> None:
    """Of either version; none where there is no such file."""
    group = ControlGroup(tmp_path, frozenset())
    assert (group.oom_kills(), group.refused_forks(), group.most_memory()) == (0, 0, 0)
    (tmp_path / "memory.oom_control").write_text("under_oom 0\noom_kill 3\n")
    (tmp_path / "pids.events").write_text("max 2\n")
    (tmp_path / "memory.max_usage_in_bytes").write_text("4096\n")
    assert (group.oom_kills(), group.refused_forks(), group.most_memory()) == (3, 2, 4096)


def test_only_a_jobs_own_groups_are_removed(root: Path, tmp_path: Path) -> None:
    """Where they are is read from a file that the job could write: name and place must be right."""
    own = root / "memory" / "nodetool-j"
    other, outside = root / "memory" / "nodetool-k", tmp_path / "nodetool-j"
    for folder in (own, other, outside):
        folder.mkdir(parents=True)
    remove_groups("j", map(str, (own, other, outside, root / "memory" / ".." / ".." / "nodetool-j")))
    assert [folder.exists() for folder in (own, other, outside)] == [False, True, True]
