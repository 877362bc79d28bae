"""nodetool.document: documents are loaded, listed, saved and taken apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodetool_jupyter.nodes import document as nodes
from nodetool_jupyter.nodes import document_split as split
from tests.unit.nodes.support import assert_refused, inside, run_node


def split_up(node: Any, text: str, **properties: Any) -> list[tuple[str, int]]:
    """(text, start_index) of the pieces."""
    document = {"type": "document", "uri": "memo", "data": text.encode()}
    pieces = run_node(node, {"document": document, **properties})
    assert {piece["source_id"] for piece in pieces} <= {"memo"}
    return [(piece["text"], piece["start_index"]) for piece in pieces]


class TestFiles:
    def test_a_document_there_and_back(self, tmp_path: Path) -> None:
        (tmp_path / "a.pdf").write_bytes(b"%PDF")
        context = inside(tmp_path)
        document = run_node(nodes.LoadDocumentFile, {"path": "a.pdf"}, context=context)
        assert (document["type"], document["uri"], document["data"]) == (
            "document",
            (tmp_path / "a.pdf").as_uri(),
            b"%PDF",
        )
        save = {"document": document, "folder": ".", "filename": "b.pdf"}
        assert run_node(nodes.SaveDocumentFile, save, context=context) == {}
        assert (tmp_path / "b.pdf").read_bytes() == b"%PDF"
        found = run_node(nodes.ListDocuments, {"folder": ".", "pattern": "b*"}, context=context)
        assert [item["document"]["uri"] for item in found] == [(tmp_path / "b.pdf").as_uri()]

    def test_a_listed_document_is_read_where_it_is_needed(self, tmp_path: Path) -> None:
        """And only from the workspace, whatever the reference says."""
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "a.md").write_text("# A\n\ntext", "utf-8")
        context = inside(tmp_path / "in")
        (found,) = run_node(nodes.ListDocuments, {"folder": "."}, context=context)
        (piece,) = run_node(nodes.SplitMarkdown, found, context=context)
        assert piece == {"text": "text", "source_id": found["document"]["uri"], "start_index": 5}
        (tmp_path / "secret").write_text("x", "utf-8")
        outside = {"type": "document", "uri": (tmp_path / "secret").as_uri()}
        with pytest.raises(ValueError, match="outside of the workspace"):
            run_node(nodes.SplitRecursively, {"document": outside}, context=context)

    def test_a_document_is_needed_and_text(self) -> None:
        assert_refused(nodes.SplitRecursively, {}, "no document is connected")
        assert_refused(nodes.SplitHTML, {"document": b"%PDF\xff"}, "the document is no text in UTF-8")


class TestRecursively:
    @pytest.mark.parametrize(
        ("size", "expected"),
        [
            (100, [("One. Two.\n\nThree three.", 0)]),
            (12, [("One. Two.", 0), ("Three three.", 11)]),
            (6, [("One.", 0), ("Two.", 5), ("Three", 11), ("three.", 17)]),
        ],
    )
    def test_the_best_separator_that_makes_them_fit(self, size: int, expected: list[tuple[str, int]]) -> None:
        text = "One. Two.\n\nThree three."
        assert split_up(nodes.SplitRecursively, text, chunk_size=size, chunk_overlap=0) == expected

    def test_pieces_overlap_by_whole_parts(self) -> None:
        found = split_up(nodes.SplitRecursively, "a.b.c.d.e.", chunk_size=6, chunk_overlap=2)
        assert found == [("a.b.c.", 0), ("c.d.e.", 4)]

    @given(st.text("ab .\n", max_size=200), st.integers(1, 30), st.data())
    def test_every_piece_is_where_it_says(self, text: str, size: int, data: Any) -> None:
        """No piece is too long, each stands at its place, and no letter is lost."""
        overlap = data.draw(st.integers(0, size - 1))
        pieces = list(split.recursively(text, split.Sizes(size, overlap, ("\n\n", "\n", "."))))
        assert all(piece and len(piece) <= size and text.startswith(piece, at) for piece, at in pieces)
        seen = {at + offset for piece, at in pieces for offset in range(len(piece))}
        assert all(place in seen for place, letter in enumerate(text) if not letter.isspace())
        assert [at for _, at in pieces] == sorted({at for _, at in pieces})

    @pytest.mark.parametrize(("size", "overlap"), [(0, 0), (5, 5), (5, -1)])
    def test_sizes_that_make_no_sense(self, size: int, overlap: int) -> None:
        with pytest.raises(ValueError, match=f"found {size} and {overlap}"):
            split_up(nodes.SplitRecursively, "x", chunk_size=size, chunk_overlap=overlap)


MARKDOWN = """\
intro

# A
one

two
## B
```
# code
```
#### D
four
"""


class TestMarkdown:
    def test_sections(self) -> None:
        """What looks like a heading in code is none, and only the headings that are named count."""
        assert [text for text, _ in split_up(nodes.SplitMarkdown, MARKDOWN)] == [
            "intro", "one\n\ntwo", "```\n# code\n```\n#### D\nfour",
        ]  # fmt: skip

    def test_headings_are_kept(self) -> None:
        found = split_up(
            nodes.SplitMarkdown, MARKDOWN, strip_headers=False, headers_to_split_on=[["####", "x"]]
        )
        assert [text for text, _ in found] == [MARKDOWN[: MARKDOWN.index("####")].strip(), "#### D\nfour"]
        assert found[1][1] == MARKDOWN.index("####")

    def test_lines_and_sizes(self) -> None:
        sizes = {"return_each_line": True, "chunk_size": 3, "chunk_overlap": 0}
        found = split_up(nodes.SplitMarkdown, "# A\n\nab cd\nef\n", **sizes)
        assert found == [("ab", 5), ("cd", 8), ("ef", 11)]

    @pytest.mark.parametrize("marks", [[["*", "x"]], ["#"], [["#"]]])
    def test_other_marks(self, marks: Any) -> None:
        with pytest.raises(ValueError, match="headers_to_split_on needs pairs"):
            split_up(nodes.SplitMarkdown, "x", headers_to_split_on=marks)


def test_html() -> None:
    """A piece for each block that holds no other, at the place of its tag."""
    html = "<body><h1>A</h1>\n<div><p>b <b>c</b><br>d</p>\n<script>x</script><ul><li>e</li></ul></div></body>"
    found = split_up(nodes.SplitHTML, html)
    assert found == [("A", html.index("<h1>")), ("b c d", html.index("<p>")), ("e", html.index("<li>"))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (' {"a": {"b": [1, null]}, "c": "x"}', [("a.b.0: 1\na.b.1: null\nc: x", 1)]),
        ('[{"a": 1} ,\n "x", [], [true]]', [("a: 1", 1), ("x", 13), ("0: true", 22)]),
        ("[]", []),
        ("7", [("7", 0)]),
    ],
)
def test_json(text: str, expected: list[tuple[str, int]]) -> None:
    assert split_up(nodes.SplitJSON, text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1,", "no JSON: "),
        ("[" * 100_000, "nested too deep"),
        ("[" * 300 + "1" + "]" * 300, "nested more than 200 levels"),
    ],
)
def test_json_that_can_not_be_split(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split_up(nodes.SplitJSON, text)
