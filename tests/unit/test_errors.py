"""What was probably meant: a hint helps only where it is near."""

from __future__ import annotations

import pytest

from nodetool_jupyter.authoring.options import BY_FIELD
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.errors import is_near, nearest
from nodetool_jupyter.nodes import FAMILIES
from nodetool_jupyter.settings import Settings


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("stratgey", "strategy"),
        ("strat", "strategy"),
        ("Timeout", "timeout"),
        ("timeouts", "timeout"),
        ("memroy", "memory"),
        ("parms", "params"),
        ("backround", "background"),
        ("dryrun", "dry_run"),
        ("nam", "name"),
        ("iamge", "image"),
        ("cpu", "cpus"),
    ],
)
def test_near_options(word: str, meant: str) -> None:
    """Mistakes of typing, and beginnings."""
    assert nearest(word, BY_FIELD) == meant


@pytest.mark.parametrize("word", ["", "x", "foo", "retry", "gpu_count", "title", "frame", "game_of"])
def test_far_options(word: str) -> None:
    """Other words are no mistakes, however many letters they share."""
    assert nearest(word, BY_FIELD) is None


def test_settings() -> None:
    """Names of one family differ by a word, not by a letter."""
    names = Settings.variables()
    assert nearest("thread_pool_sise", names) == "thread_pool_size"
    assert nearest("docker_volume", names) is None
    assert nearest("workers", names) is None


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("nodetool.text.Concta", "nodetool.text.Concat"),
        ("nodetool.txt.Concat", "nodetool.text.Concat"),
        ("nodetool.text.concat", "nodetool.text.Concat"),
        ("nodetool.texts.Concat", "nodetool.text.Concat"),
        ("nodetool.text.Summarize", None),
        ("nodetool.text.Map", None),
        ("nodetool.agents.Agent", None),
        ("nodetool.audio.Trim", None),
        ("notebook.shout", None),
    ],
)
def test_node_types(wrong: str, meant: str | None) -> None:
    """A long common beginning makes no two types near."""
    assert Registry(FAMILIES).suggest(wrong) == meant


def test_mistakes_are_counted() -> None:
    """Wrong, missing, too many and swapped ones count one each."""
    assert is_near("abcde", "abcdx")
    assert is_near("abcde", "badce")
    assert not is_near("abcde", "edcba")
    assert is_near("abc", "acb")
    assert not is_near("abc", "axy")
