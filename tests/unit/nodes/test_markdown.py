"""lib.markdown: what a text has in it, as a reader of the rendered text sees it."""

from __future__ import annotations

from typing import Any

from nodetool_jupyter.nodes import markdown as nodes
from tests.unit.nodes.support import Notes, assert_refused, run_node

TEXT = """\
Title *one*
===========

See [the `docs`](https://example.org/a "Docs"), <https://example.org> and [this][r].

- first
  over two lines
  - inner

    with more
- [ends](b.html)

## Two #

1. one
2. two
   - a bullet

* other list

```python
# no heading
[no](link)
```

    indented

| a | **b** |
|---|-------|
| 1 | [x](t) |
| 2 |

[r]: ref.html 'Ref'
"""


def extract(node: Any, text: str = TEXT, **properties: Any) -> Any:
    return run_node(node, {"markdown": text, **properties})


def test_headers() -> None:
    """Both forms of a heading count, and what only looks like one in code doesn't."""
    first, second = {"level": 1, "text": "Title one", "index": 0}, {"level": 2, "text": "Two", "index": 1}
    assert extract(nodes.ExtractHeaders) == [first, second]
    assert extract(nodes.ExtractHeaders, max_level=1) == [first]


def test_links() -> None:
    found = [
        {"url": "https://example.org/a", "text": "the docs", "title": "Docs"},
        {"url": "https://example.org", "text": "https://example.org", "title": "https://example.org"},
        {"url": "ref.html", "text": "this", "title": "Ref"},
        {"url": "b.html", "text": "ends", "title": "ends"},
        {"url": "t", "text": "x", "title": "x"},
    ]
    assert extract(nodes.ExtractLinks) == found
    assert extract(nodes.ExtractLinks, include_titles=False) == [
        {"url": link["url"], "text": link["text"]} for link in found
    ]


def test_lists() -> None:
    assert extract(nodes.ExtractBulletLists) == [
        {"text": "first over two lines", "level": 0, "list": 0},
        {"text": "inner", "level": 1, "list": 0},
        {"text": "ends", "level": 0, "list": 0},
        {"text": "a bullet", "level": 1, "list": 1},
        {"text": "other list", "level": 0, "list": 2},
    ]
    assert extract(nodes.ExtractNumberedLists) == ["one", "two"]


def test_code() -> None:
    assert extract(nodes.ExtractCodeBlocks) == [
        {"language": "python", "code": "# no heading\n[no](link)"},
        {"language": "", "code": "indented"},
    ]


def test_the_first_table() -> None:
    table = extract(nodes.ExtractTables)
    assert (list(table.columns), table.to_numpy().tolist()) == (["a", "b"], [["1", "x"], ["2", ""]])
    assert extract(nodes.ExtractTables, "no table").empty
    context = Notes()
    two = "|a|\n|-|\n|1|\n\n|b|\n|-|\n|2|\n"
    assert run_node(nodes.ExtractTables, {"markdown": two}, context=context).columns.tolist() == ["a"]
    assert context.lines == ["warning: the text has 2 tables; this is the first"]


def test_a_text_that_takes_too_long_is_refused() -> None:
    """What is nested deep is plain text; what grows with the square is bounded."""
    assert extract(nodes.ExtractHeaders, "> " * 5000 + "# a") == []
    assert extract(nodes.ExtractCodeBlocks, "a\n\n" + "[" * 100_000) == []
    assert_refused(
        nodes.ExtractLinks,
        {"markdown": "a\n\n" + "[" * 100_000},
        "line 3 begins a paragraph of more than 50,000",
    )
    assert_refused(
        nodes.ExtractLinks, {"markdown": "a\n" * 1_000_001}, "the Markdown has more than 2,000,000 characters"
    )
