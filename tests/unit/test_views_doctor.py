"""The sentences of the doctor."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodetool_jupyter.session import get_session
from nodetool_jupyter.settings import load_settings
from nodetool_jupyter.views import doctor
from nodetool_jupyter.views.doctor import Finding, Health, made, strategy_finding, thread_limit


def test_unreadable_settings_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other checks are made all the same."""
    monkeypatch.setenv("THREAD_POOL_SIZE", "many")
    [finding] = made(doctor.check_settings)
    assert finding.health is Health.BAD
    assert "THREAD_POOL_SIZE='many'" in finding.sentence
    assert [found.what for found in made(doctor.check_packages)] == ["pandas", "pillow"]


def test_store_that_can_t_be_used_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the folder and what to do."""
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setenv("NODETOOL_HOME", str(blocked / "home"))
    found = made(doctor.check_store)
    assert [finding.health for finding in found] == [Health.BAD]
    assert str(blocked) in found[0].sentence


def test_memory_store_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its jobs end with the kernel."""
    monkeypatch.setenv("NODETOOL_STORE", "memory")
    [finding] = made(doctor.check_store)
    assert "forgotten" in finding.sentence


def test_little_room_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a job fails for it."""
    monkeypatch.setattr(doctor, "ROOM", 2**80)
    assert [finding.what for finding in made(doctor.check_store) if finding.health is Health.NOTE] == ["disk"]


def test_the_shared_results_are_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much they take, of how much they may."""
    monkeypatch.setenv("NODETOOL_CACHE_SIZE", "2g")
    sentences = {finding.what: finding.sentence for finding in made(doctor.check_store)}
    assert sentences["cache"].startswith("no results")
    get_session().manager.results.keep("0" * 64, b"x" * 2048)
    sentences = {finding.what: finding.sentence for finding in made(doctor.check_store)}
    assert "cache=True: 1, with 2 KiB, at most 2 GiB" in sentences["cache"]


def test_few_threads_are_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A container's limit counts as a user's does."""
    limit = tmp_path / "pids.max"
    limit.write_text("20\n")
    monkeypatch.setattr(doctor, "PIDS_MAX", limit)
    assert thread_limit() == 20
    [finding] = made(doctor.check_threads)
    assert finding.health is Health.NOTE
    limit.write_text("max\n")
    monkeypatch.setattr(doctor, "PIDS_MAX", limit)
    assert thread_limit() != 20


def test_strategies_say_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ready, or what is missing."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no-such.sock")
    settings = load_settings({})
    assert strategy_finding("threaded", settings) == Finding(
        "strategy threaded", Health.GOOD, "runs in this kernel's process"
    )
    assert strategy_finding("docker", settings).health is Health.NOTE
