"""lib.os and nodetool.workspace: what is in the workspace is seen and changed, and nothing else."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import os as lib_os
from nodetool_jupyter.nodes import workspace as nodes
from tests.unit.nodes.support import Notes, cases, inside, run_node


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A workspace with two files, beside a secret that links lead to."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("key", "utf-8")
    place = tmp_path / "place"
    (place / "in" / "deep").mkdir(parents=True)
    (place / "a.txt").write_text("abc", "utf-8")
    (place / "in" / "b.md").write_text("b", "utf-8")
    (place / "in" / "deep" / "c.txt").write_text("c", "utf-8")
    (place / "link").symlink_to(tmp_path / "secret")
    (place / "in" / "key").symlink_to(tmp_path / "secret" / "key")
    return place


def run(node: type[BaseNode], place: Path, **properties: Any) -> Any:
    return run_node(node, properties, context=inside(place))


def tree(place: Path) -> set[str]:
    found = (path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(place).as_posix() for path in found}


WHOLE = {"a.txt", "in/b.md", "in/deep/c.txt"}


@cases(
    (lib_os.Basename, {"path": "a/b.tar.gz"}, "b.tar.gz"),
    (lib_os.Basename, {"path": "a/b.tar.gz", "remove_extension": True}, "b.tar"),
    (lib_os.FileName, {"path": "/a/b.txt"}, "b.txt"),
    (lib_os.Dirname, {"path": "a/b/c"}, "a/b"),
    (lib_os.GetDirectory, {"path": "/a/b.txt"}, "/a"),
    (lib_os.FileExtension, {"path": "a.b/c.TXT"}, ".TXT"),
    (lib_os.FileExtension, {"path": "a.b/.hidden"}, ""),
    (lib_os.SplitPath, {"path": "a/b/c.txt"}, {"dirname": "a/b", "basename": "c.txt"}),
    (lib_os.SplitExtension, {"path": "a/c.txt"}, {"root": "a/c", "extension": ".txt"}),
    (lib_os.NormalizePath, {"path": "a//b/./c/../d"}, "a/b/d"),
    (lib_os.PathToString, {"file_path": "a/b"}, "a/b"),
    (lib_os.JoinPaths, {"paths": ["a", "b/", "c.txt"]}, "a/b/c.txt"),
    (lib_os.RelativePath, {"target_path": "a/b/c", "start_path": "a/d"}, "../b/c"),
    (lib_os.FileNameMatch, {"filename": "A.txt", "pattern": "?.txt"}, True),
    (lib_os.FileNameMatch, {"filename": "A.txt", "pattern": "a.*"}, False),
    (lib_os.FileNameMatch, {"filename": "A.txt", "pattern": "[a-c].TXT", "case_sensitive": False}, True),
    (lib_os.FilterFileNames, {"filenames": ["a.py", "b.md", "c.py"], "pattern": "*.py"}, ["a.py", "c.py"]),
)
def test_paths_are_texts(node: type[BaseNode], properties: dict[str, Any], expected: Any) -> None:
    """No file need be there, and no path is refused that only a text is made of."""
    assert run_node(node, properties) == expected


@pytest.mark.parametrize(
    ("path", "exists", "is_file", "is_folder"),
    [
        ("a.txt", True, True, False),
        ("in", True, False, True),
        (".", True, False, True),
        ("no", False, False, False),
    ],
)
def test_what_is_there(place: Path, path: str, exists: bool, is_file: bool, is_folder: bool) -> None:
    """Both families say the same."""
    for node in (lib_os.FileExists, nodes.WorkspaceFileExists):
        assert run(node, place, path=path) is exists
    for node in (lib_os.IsFile, nodes.IsWorkspaceFile):
        assert run(node, place, path=path) is is_file
    for node in (lib_os.IsDirectory, nodes.IsWorkspaceDirectory):
        assert run(node, place, path=path) is is_folder


def test_what_is_known_of_a_file(place: Path) -> None:
    os.utime(place / "a.txt", (86_400, 90_000))
    assert (
        run(lib_os.GetFileSize, place, path="a.txt")
        == run(nodes.GetWorkspaceFileSize, place, path="a.txt")
        == 3
    )
    assert run(lib_os.AccessedTime, place, path="a.txt") == datetime(1970, 1, 2, tzinfo=UTC)
    assert run(lib_os.ModifiedTime, place, path="a.txt") == datetime(1970, 1, 2, 1, tzinfo=UTC)
    assert run(lib_os.CreatedTime, place, path="a.txt").year >= 2024
    assert run(lib_os.GetPathInfo, place, path="in/b.md") == {
        "dirname": "in",
        "basename": "b.md",
        "extension": ".md",
        "absolute": str(place / "in" / "b.md"),
        "exists": True,
        "is_file": True,
        "is_dir": False,
        "is_symlink": False,
    }
    info = run(nodes.GetWorkspaceFileInfo, place, path="a.txt")
    assert info == {
        "path": "a.txt",
        "name": "a.txt",
        "size": 3,
        "is_file": True,
        "is_directory": False,
        "modified": "1970-01-02T01:00:00+00:00",
        "accessed": "1970-01-02T00:00:00+00:00",
        "created": info["created"],
    }


def test_the_workspace_itself(place: Path) -> None:
    context = inside(place)
    assert run_node(lib_os.WorkspaceDirectory, context=context) == str(place)
    assert run_node(nodes.GetWorkspaceDir, context=context) == str(place)
    assert run_node(lib_os.OpenWorkspaceDirectory, context=context) is None
    run_node(lib_os.ShowNotification, {"title": "Done", "message": "all of it"}, context=context)
    assert context.lines == [f"told: the workspace is {place}", "told: Done: all of it"]
    assert run(lib_os.AbsolutePath, place, path="in/new") == str(place / "in" / "new")


@pytest.mark.parametrize("absolute", [False, True])
def test_files_are_listed_as_the_folder_was_named(place: Path, absolute: bool) -> None:
    """So that a saved notebook doesn't depend on where it ran, unless its author chose so."""
    folder = str(place / "in") if absolute else "in"
    expected = [f"{folder}/b.md", f"{folder}/deep/c.txt"]
    found = run(lib_os.ListFiles, place, folder=folder, include_subdirectories=True)
    assert [item["file"] for item in found] == expected
    found = run(nodes.ListWorkspaceFiles, place, path=folder, recursive=True, pattern="*.txt")
    assert [item["file"] for item in found] == expected[1:]
    assert run(nodes.ListWorkspaceFiles, place) == [{"file": "a.txt"}]


class TestChanges:
    def test_folders_are_made(self, place: Path) -> None:
        assert run(lib_os.CreateDirectory, place, path="x/y") == {}
        assert run(nodes.CreateWorkspaceDirectory, place, path="x/z") == "x/z"
        assert (place / "x" / "y").is_dir()
        with pytest.raises(ValueError, match="the folder 'x' can't be made: File exists"):
            run(lib_os.CreateDirectory, place, path="x", exist_ok=False)

    @pytest.mark.parametrize(
        ("source", "destination", "made", "content"),
        [
            ("a.txt", "b.txt", "b.txt", {"b.txt"}),
            ("a.txt", "in", "in/a.txt", {"in/a.txt"}),
            ("a.txt", "in/b.md", "in/b.md", set()),
            ("in", "out", "out", {"out/b.md", "out/deep/c.txt"}),
        ],
    )
    def test_copies(self, place: Path, source: str, destination: str, made: str, content: set[str]) -> None:
        """A symlink in a folder is not copied: what it leads to is none of the workspace."""
        assert run(nodes.CopyWorkspaceFile, place, source=source, destination=destination) == made
        assert run(lib_os.CopyFile, place, source_path=f"./{source}", destination_path="again") == "again"
        again = {"again"} if source == "a.txt" else {"again/b.md", "again/deep/c.txt"}
        assert tree(place) == WHOLE | content | again
        assert not (place / "out" / "key").exists()

    def test_moves(self, place: Path) -> None:
        assert run(nodes.MoveWorkspaceFile, place, source="a.txt", destination="in") == "in/a.txt"
        assert run(lib_os.MoveFile, place, source_path="in", destination_path="out") == {}
        assert tree(place) == {"out/a.txt", "out/b.md", "out/deep/c.txt"}

    @pytest.mark.parametrize(
        ("source", "destination", "message"),
        [
            ("no", "x", "there is no file or folder 'no'"),
            ("a.txt", "a.txt", "are the same place"),
            ("in", "in/deep", "'in/deep' lies in 'in'"),
            ("a.txt", "no/x", "No such file"),
            ("a.txt", "../x", "may lead out of the workspace"),
            (".", "in", "'in' lies in '.'"),
        ],
    )
    def test_what_can_not_be_moved_or_copied(
        self, place: Path, source: str, destination: str, message: str
    ) -> None:
        for node in (nodes.MoveWorkspaceFile, nodes.CopyWorkspaceFile):
            with pytest.raises(ValueError, match=message):
                run(node, place, source=source, destination=destination)
        assert tree(place) == WHOLE

    def test_deleting(self, place: Path) -> None:
        """A folder that isn't empty is only deleted if that is said, and the workspace never."""
        assert run(nodes.DeleteWorkspaceFile, place, path="a.txt") is None
        with pytest.raises(ValueError, match=r"'in' can't be deleted: Directory not empty"):
            run(nodes.DeleteWorkspaceFile, place, path="in")
        run(nodes.DeleteWorkspaceFile, place, path="in", recursive=True)
        assert tree(place) == set()
        assert (place.parent / "secret" / "key").exists()
        with pytest.raises(ValueError, match="the workspace itself can't be deleted"):
            run(nodes.DeleteWorkspaceFile, place, path=".", recursive=True)

    def test_texts(self, place: Path) -> None:
        """A folder that is missing is made."""
        assert run(nodes.WriteTextFile, place, path="x/t.txt", content="é\n") == "x/t.txt"
        run(nodes.WriteTextFile, place, path="x/t.txt", content="more", append=True)
        assert run(nodes.ReadTextFile, place, path="x/t.txt") == "é\nmore"
        run(nodes.WriteTextFile, place, path="l.txt", content="é", encoding="latin-1")
        assert run(nodes.ReadBinaryFile, place, path="l.txt") == "6Q=="
        assert run(nodes.ReadTextFile, place, path="l.txt", encoding="latin-1") == "é"
        with pytest.raises(ValueError, match=r"the text can't be written: .*ascii"):
            run(nodes.WriteTextFile, place, path="l.txt", content="é", encoding="ascii")

    def test_bytes(self, place: Path) -> None:
        assert run(nodes.WriteBinaryFile, place, path="b", content="AAEC/w==") == "b"
        assert (place / "b").read_bytes() == b"\0\1\2\xff"
        for path, content, message in (("b", "x", "isn't base64"), ("in", "", "'in' is a folder")):
            with pytest.raises(ValueError, match=message):
                run(nodes.WriteBinaryFile, place, path=path, content=content)

    def test_paths_are_joined(self, place: Path) -> None:
        assert run(nodes.JoinWorkspacePaths, place, paths=["in", "x.txt"]) == "in/x.txt"
        for paths, message in ((["in", "../../x"], "lead out"), (["a", "/etc"], "outside"), ([], "no paths")):
            with pytest.raises(ValueError, match=message):
                run(nodes.JoinWorkspacePaths, place, paths=paths)

    def test_images_and_videos(self, place: Path) -> None:
        """What is there isn't lost unless that is said."""
        image = Image.new("RGB", (2, 1))
        for _ in range(2):
            assert run(nodes.SaveImageFile, place, image=image) is image
        run(nodes.SaveImageFile, place, image=image, overwrite=True)
        video = {"type": "video", "uri": "", "data": b"film"}
        saved = run(nodes.SaveVideoFile, place, video=video, folder="in")
        assert tree(place) == WHOLE | {"image.png", "image_1.png", "in/video.mp4"}
        assert saved["uri"] == (place / "in" / "video.mp4").as_uri()
        again = run(nodes.SaveVideoFile, place, video=saved, folder="in", filename="v.mp4")
        assert (place / "in" / "v.mp4").read_bytes() == b"film"
        assert again["data"] is None


PATHS = ["../secret/key", "link/key", "in/key", "/etc/hostname", "~/x", "", "in/../../secret/key", "a\0b"]
READERS: list[type[BaseNode]] = [
    *(lib_os.AbsolutePath, lib_os.FileExists, lib_os.IsFile, lib_os.IsDirectory, lib_os.GetFileSize),
    *(
        lib_os.CreatedTime,
        lib_os.ModifiedTime,
        lib_os.AccessedTime,
        lib_os.GetPathInfo,
        lib_os.CreateDirectory,
    ),
    *(nodes.ReadTextFile, nodes.WriteTextFile, nodes.ReadBinaryFile, nodes.WriteBinaryFile),
    *(nodes.DeleteWorkspaceFile, nodes.CreateWorkspaceDirectory, nodes.WorkspaceFileExists),
    *(
        nodes.IsWorkspaceFile,
        nodes.IsWorkspaceDirectory,
        nodes.GetWorkspaceFileSize,
        nodes.GetWorkspaceFileInfo,
    ),
    nodes.ListWorkspaceFiles,
]


@pytest.mark.parametrize("node", READERS, ids=lambda node: node.__name__)
def test_nothing_outside_is_reached(place: Path, node: type[BaseNode]) -> None:
    """Not even whether it exists."""
    for path in PATHS:
        with pytest.raises(ValueError, match=r"workspace|goes by a symlink|home folder|no path is given"):
            run(node, place, path=path)
    assert (place.parent / "secret" / "key").read_text("utf-8") == "key"


def test_a_name_may_begin_like_a_home_folder(place: Path) -> None:
    """As those that Office leaves behind."""
    run(nodes.WriteTextFile, place, path="~$a.txt", content="x")
    assert (place / "~$a.txt").read_text("utf-8") == "x"


def test_the_home_folder_is_no_default(place: Path) -> None:
    """NodeTool's default for a folder is the home, which a notebook's workflow must not list."""
    with pytest.raises(
        ValueError, match=r"'~' is a home folder; paths are from the workspace on, which is ."
    ):
        run_node(lib_os.ListFiles, {}, context=inside(place))


def test_a_notification_says_something() -> None:
    with pytest.raises(ValueError, match="needs a title or a message"):
        run_node(lib_os.ShowNotification, context=Notes())
