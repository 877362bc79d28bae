"""Files of the workspace as nodes read, list and write them."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.nodes import dictionary, files, text
from nodetool_jupyter.nodes.list import SaveList
from tests.unit.nodes.support import inside, run_node


def run(node: Any, workspace: Path, **properties: Any) -> Any:
    return run_node(node, properties, context=inside(workspace))


class TestReading:
    def test_what_is_no_regular_file_is_refused(self, tmp_path: Path) -> None:
        """A pipe would hold the node up for ever, a link may have come in after the check."""
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "link").symlink_to(tmp_path / "pipe")
        with pytest.raises(ValueError, match="'pipe' is no file that can be read"):
            files.read_bytes(tmp_path / "pipe")
        with pytest.raises(ValueError, match="'link' can't be read: Too many levels"):
            files.read_bytes(tmp_path / "link")

    def test_a_file_has_a_largest_size(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is held in memory as a whole."""
        monkeypatch.setattr(files, "MAX_BYTES", 2**20)
        with (tmp_path / "large").open("wb") as file:
            file.truncate(2**20 + 1)
        with pytest.raises(ValueError, match="'large' is larger than 1 MiB"):
            files.read_bytes(tmp_path / "large")

    def test_text_has_one_kind_of_line_end(self, tmp_path: Path) -> None:
        """And no byte order mark."""
        (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa\r\nb\rc")
        assert files.read_text(tmp_path / "a.txt") == "a\nb\nc"

    @pytest.mark.parametrize(("encoding", "message"), [("utf-8", "codec"), ("klingon", "unknown encoding")])
    def test_what_is_no_text_is_refused(self, tmp_path: Path, encoding: str, message: str) -> None:
        (tmp_path / "a.txt").write_bytes(b"\xff\xfe\xfd")
        with pytest.raises(ValueError, match=f"'a.txt' can't be read as text: .*{message}"):
            files.read_text(tmp_path / "a.txt", encoding)


class TestListing:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "in" / "deep").mkdir(parents=True)
        for name in ("b.txt", "a.TXT", "c.md", "deep/d.txt"):
            (tmp_path / "in" / name).touch()
        (tmp_path / "in" / "away.txt").symlink_to("/etc/hostname")
        (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
        return tmp_path / "in"

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({}, ["a.TXT", "b.txt", "c.md"]),
            ({"pattern": "?.txt"}, ["b.txt"]),
            ({"endings": (".txt",)}, ["a.TXT", "b.txt"]),
            ({"deep": True}, ["a.TXT", "b.txt", "c.md", "d.txt"]),
        ],
    )
    def test_files_are_found_in_order(self, folder: Path, options: Any, expected: Any) -> None:
        """Symlinks are neither given out nor followed."""
        assert [path.name for path in files.files_in(folder, **options)] == expected

    def test_a_folder_may_hold_too_many(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(files, "MAX_FILES", 2)
        with pytest.raises(ValueError, match="'in' holds more than 2 files"):
            [*files.files_in(folder)]

    def test_a_file_that_is_there_keeps_its_name(self, folder: Path) -> None:
        """The new one is numbered; a dangling link counts as there."""
        (folder / "b_1.txt").symlink_to("nowhere")
        assert files.free(folder / "b.txt").name == "b_2.txt"
        assert files.free(folder / "new.txt").name == "new.txt"


class TestFolders:
    def test_a_folder_of_assets_is_none_of_the_workspace(self, tmp_path: Path) -> None:
        reference = {"type": "folder", "uri": "", "asset_id": "abc"}
        with pytest.raises(ValueError, match="a folder of assets can't be reached from here"):
            run(text.SaveText, tmp_path, folder=reference, text="x")

    @pytest.mark.parametrize("uri", ["file:///etc", "/etc", "~", "file:///"])
    def test_a_reference_can_not_lead_out(self, tmp_path: Path, uri: str) -> None:
        with pytest.raises(ValueError, match=r"outside of the workspace|is a home folder"):
            run(text.LoadTextAssets, tmp_path, folder={"type": "folder", "uri": uri})


class TestTexts:
    def test_a_text_is_saved_under_the_day(self, tmp_path: Path) -> None:
        """The reference brings the text along, so that other nodes needn't read the file."""
        found = run(text.SaveText, tmp_path, text="Grüße", name="%Y.txt")
        path = next(tmp_path.glob("*.txt"))
        assert path.stem in {str(datetime.now().astimezone().year + change) for change in (0, -1)}
        assert path.read_text("utf-8") == "Grüße"
        assert (found["type"], found["uri"], found["data"]) == ("text", path.as_uri(), "Grüße")

    def test_a_folder_is_chosen(self, tmp_path: Path) -> None:
        """It must be there."""
        (tmp_path / "out").mkdir()
        run(text.SaveTextFile, tmp_path, text="a", folder="out", name="a.txt")
        assert (tmp_path / "out" / "a.txt").read_text("utf-8") == "a"
        with pytest.raises(ValueError, match="folder and filename must be given"):
            run(text.SaveTextFile, tmp_path, text="a", name="a.txt")

    def test_a_text_that_can_not_be_written(self, tmp_path: Path) -> None:
        """Half a character is no text."""
        with pytest.raises(ValueError, match="the text can't be written"):
            run(text.SaveText, tmp_path, text="\ud800", name="a.txt")
        assert not [*tmp_path.iterdir()]

    def test_texts_of_a_folder(self, tmp_path: Path) -> None:
        """What only looks like a text is left out, and the log says so."""
        (tmp_path / "in" / "deep").mkdir(parents=True)
        (tmp_path / "in" / "b.md").write_text("B", "utf-8")
        (tmp_path / "in" / "deep" / "a.txt").write_text("A", "utf-8")
        (tmp_path / "in" / "scan.pdf").write_bytes(b"%PDF-1.4\xff\xfe")
        context = inside(tmp_path)
        deep = {"folder": "in", "include_subdirectories": True}
        assert run_node(text.LoadTextFolder, deep, context=context) == [
            {"text": "B", "path": "in/b.md"},
            {"text": "A", "path": "in/deep/a.txt"},
        ]
        assert [line[:37] for line in context.lines] == ["warning: in/scan.pdf is left out: 'sc"]
        assert [item["path"] for item in run(text.LoadTextFolder, tmp_path, folder="in")] == ["in/b.md"]
        assert run(text.LoadTextFolder, tmp_path, folder="in", pattern="c*") == []

    def test_texts_as_references(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("A", "utf-8")
        (found,) = run(text.LoadTextAssets, tmp_path)
        assert found == {"text": {**found["text"], "type": "text", "data": "A"}, "name": "a.txt"}


class TestDictionaries:
    def test_rows_of_texts(self, tmp_path: Path) -> None:
        """What stands in the file, unchanged: no value becomes a number; what is missing is empty."""
        (tmp_path / "a.csv").write_text('n,name\n007,"Bond, J."\n8\n', "utf-8")
        found = run(dictionary.LoadCSVFile, tmp_path, path="a.csv")
        assert found == [{"n": "007", "name": "Bond, J."}, {"n": "8", "name": ""}]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("a\n1,2\n", "line 2 has more values than the first line"),
            ('a\n"x', "can't be read: unexpected end"),
        ],
    )
    def test_a_broken_file(self, tmp_path: Path, content: str, message: str) -> None:
        (tmp_path / "a.csv").write_text(content, "utf-8")
        with pytest.raises(ValueError, match=message):
            run(dictionary.LoadCSVFile, tmp_path, path="a.csv")

    def test_there_and_back(self, tmp_path: Path) -> None:
        """Keys that some rows lack are columns too."""
        rows = [{"a": "1", "b": "x,y"}, {"a": "2", "c": "z"}]
        assert run(dictionary.SaveCSVFile, tmp_path, data=rows, folder=".", filename="a.csv") == {}
        found = run(dictionary.LoadCSVFile, tmp_path, path="a.csv")
        assert found == [{"a": "1", "b": "x,y", "c": ""}, {"a": "2", "b": "", "c": "z"}]
        with pytest.raises(ValueError, match="there is nothing to save"):
            run(dictionary.SaveCSVFile, tmp_path, data=[{}], folder=".", filename="b.csv")

    def test_json(self, tmp_path: Path) -> None:
        """The path is named as the folder was."""
        save = {"data": {"é": [1, None]}, "name": "a.json"}
        assert run(dictionary.SaveJSON, tmp_path, folder=".", **save) == "a.json"
        assert (tmp_path / "a.json").read_text("utf-8") == '{\n  "\\u00e9": [\n    1,\n    null\n  ]\n}'
        absolute = str(tmp_path / "a.json")
        assert run(dictionary.SaveJSON, tmp_path, folder=str(tmp_path), indent=0, **save) == absolute
        assert (tmp_path / "a.json").read_text("utf-8") == '{\n"\\u00e9": [\n1,\nnull\n]\n}'

    @pytest.mark.parametrize(
        ("properties", "message"),
        [({"data": {1, 2}}, "set is not JSON serializable"), ({"data": [], "indent": 99}, "from 0 to 16")],
    )
    def test_what_json_can_not_hold(self, tmp_path: Path, properties: Any, message: str) -> None:
        """Nothing is written."""
        with pytest.raises(ValueError, match=message):
            run(dictionary.SaveJSON, tmp_path, folder=".", **properties)
        assert not [*tmp_path.iterdir()]


def test_a_list_is_saved_a_line_an_element(tmp_path: Path) -> None:
    found = run(SaveList, tmp_path, values=["a", 1, None], name="b.txt")
    assert (tmp_path / "b.txt").read_text("utf-8") == found["data"] == "a\n1\nNone"
    assert found["uri"] == (tmp_path / "b.txt").as_uri()
