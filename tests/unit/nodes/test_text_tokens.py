"""nodetool.text.CountTokens: an encoding that is here is used, one that can't be loaded is told."""

from __future__ import annotations

import sys

import pytest
import tiktoken

from nodetool_jupyter.errors import NodeToolError
from nodetool_jupyter.nodes import text
from tests.unit.nodes.support import run_node

BYTES = {bytes([number]): number for number in range(256)}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoding as it is after it was loaded, with three pairs of letters."""
    ranks = {**BYTES, b"he": 256, b"ll": 257, b"o ": 258}
    encoding = tiktoken.Encoding(
        "cl100k_base", pat_str=r"\w+ ?|.", mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 259}
    )
    monkeypatch.setitem(tiktoken.registry.ENCODINGS, "cl100k_base", encoding)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("given", "count"), [("", 0), ("hello ", 3), ("hello hello", 6), ("é", 2), ("<|endoftext|>", 13)]
)
def test_tokens_are_counted(given: str, count: int) -> None:
    """What looks like a mark of the encoding is text like any other."""
    assert run_node(text.CountTokens, {"text": given}) == count


def test_an_encoding_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says where it may be put; no proxy, no web."""
    monkeypatch.setitem(tiktoken.registry.ENCODINGS, "p50k_base", None)
    monkeypatch.delitem(tiktoken.registry.ENCODINGS, "p50k_base")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(NodeToolError, match="the encoding p50k_base can't be loaded") as raised:
        run_node(text.CountTokens, {"text": "a", "encoding": "p50k_base"})
    assert "TIKTOKEN_CACHE_DIR" in str(raised.value.hint)


def test_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where tiktoken is missing."""
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    with pytest.raises(NodeToolError, match="needs the package tiktoken"):
        run_node(text.CountTokens)
