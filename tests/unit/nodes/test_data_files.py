"""Files of the data nodes: read and written in the workspace, and nowhere else."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from nodetool_jupyter.nodes import data
from nodetool_jupyter.nodes.files import inside_workspace
from tests.unit.nodes.support import inside
from tests.unit.nodes.test_data import rows, run, table


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a folder, beside a file that is none of its business."""
    (tmp_path / "secret.csv").write_text("a\n1\n", "utf-8")
    folder = tmp_path / "workspace"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "people.csv").write_text("name,age\nZoë,36\n", "utf-8")
    return folder


def test_a_file_is_read(workspace: Path) -> None:
    """By its path from the workspace, or by an absolute one that leads into it."""
    context = inside(workspace)
    for path in ("in/people.csv", "./in/people.csv", str(workspace / "in" / "people.csv")):
        assert rows(run(data.LoadCSVFile, context, file_path=path)) == [{"name": "Zoë", "age": 36}]


def test_a_byte_order_mark_is_no_part_of_a_name(workspace: Path) -> None:
    """Spreadsheets write one."""
    (workspace / "marked.csv").write_text("\ufeffname,age\nAda,36\n", "utf-8")
    found = rows(run(data.LoadCSVFile, inside(workspace), file_path="marked.csv"))
    assert found == [{"name": "Ada", "age": 36}]


def test_a_table_is_written_and_passed_on(workspace: Path) -> None:
    """Without row labels, in place of an older file, and the log says where."""
    context = inside(workspace)
    for csv in ("a\n1\n2\n", "a,b\n1,x\n"):
        frame = table(csv)
        given = run(data.SaveCSVDataframeFile, context, dataframe=frame, folder="in", filename="out.csv")
        assert given is frame
    assert (workspace / "in" / "out.csv").read_text("utf-8") == "a,b\n1,x\n"
    assert context.lines[-1] == f"info: saved 1 rows to {workspace / 'in' / 'out.csv'}"


def test_a_file_name_may_hold_the_date(workspace: Path) -> None:
    """By the codes of strftime."""
    context = inside(workspace)
    frame = table("a\n1\n")
    run(data.SaveCSVDataframeFile, context, dataframe=frame, folder=".", filename="%Y.csv")
    year = datetime.now().astimezone().year
    assert [path.name for path in workspace.glob("*.csv")] in ([f"{year}.csv"], [f"{year - 1}.csv"])


REFUSED = r"outside of the workspace|out of the workspace|goes by a symlink"
OUTSIDE = [
    "../secret.csv",
    "in/../../secret.csv",
    "in/../in/people.csv",
    "/etc/hostname",
    "link.csv",
    "away/secret.csv",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_is_reached(workspace: Path, path: str) -> None:
    """Neither by dots, nor from the root, nor by a symlink to a file or folder."""
    (workspace / "link.csv").symlink_to(workspace.parent / "secret.csv")
    (workspace / "away").symlink_to(workspace.parent)
    context = inside(workspace)
    with pytest.raises(ValueError, match=REFUSED):
        run(data.LoadCSVFile, context, file_path=path)
    folder, name = os.path.split(path)
    with pytest.raises(ValueError, match=REFUSED):
        run(
            data.SaveCSVDataframeFile, context, dataframe=table("b\n2\n"), folder=folder or ".", filename=name
        )
    assert (workspace.parent / "secret.csv").read_text("utf-8") == "a\n1\n"


@pytest.mark.parametrize("name", ["../out.csv", "/out.csv", "a/../../out.csv"])
def test_a_file_name_can_not_leave(workspace: Path, name: str) -> None:
    """Nor can it by its date codes or by being absolute."""
    context = inside(workspace)
    with pytest.raises(ValueError, match=REFUSED):
        run(data.SaveCSVDataframeFile, context, dataframe=table("a\n1\n"), folder="in", filename=name)
    assert not (workspace.parent / "out.csv").exists()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "no path is given"),
        ("  ", "no path is given"),
        ("in\0/people.csv", "no path is given"),
        ("nothing.csv", "there is no file 'nothing.csv' in the workspace"),
        ("in", "there is no file 'in' in the workspace"),
    ],
)
def test_what_is_not_a_file_is_told(workspace: Path, path: str, message: str) -> None:
    """A folder is none."""
    with pytest.raises(ValueError, match=message):
        run(data.LoadCSVFile, inside(workspace), file_path=path)


@pytest.mark.parametrize(
    ("folder", "filename", "message"),
    [
        ("", "x.csv", "folder and filename must be given"),
        ("in", "", "folder and filename must be given"),
        ("out", "x.csv", "there is no folder 'out' in the workspace"),
    ],
)
def test_where_to_save_must_be_said(workspace: Path, folder: str, filename: str, message: str) -> None:
    """No folder is made."""
    context = inside(workspace)
    with pytest.raises(ValueError, match=message):
        run(data.SaveCSVDataframeFile, context, dataframe=table("a\n1\n"), folder=folder, filename=filename)


def test_a_broken_file_is_named(workspace: Path) -> None:
    """Bytes that are no text, and an empty file."""
    context = inside(workspace)
    (workspace / "bytes.csv").write_bytes(b"a\n\xff\xfe\n")
    (workspace / "empty.csv").write_bytes(b"")
    with pytest.raises(ValueError, match=r"the file 'bytes\.csv' can't be read: .*codec"):
        run(data.LoadCSVFile, context, file_path="bytes.csv")
    with pytest.raises(ValueError, match=r"the file 'empty\.csv' is empty"):
        run(data.LoadCSVFile, context, file_path="empty.csv")


def test_a_workspace_may_itself_be_a_symlink(workspace: Path) -> None:
    """The user chose it; what matters is what lies below."""
    link = workspace.parent / "link"
    link.symlink_to(workspace)
    assert inside_workspace(link, "in/people.csv") == workspace.resolve() / "in" / "people.csv"
    assert inside_workspace(link, link / "in") == workspace.resolve() / "in"


def test_tables_of_a_folder_come_one_by_one(workspace: Path) -> None:
    """In the order of their names, by the name of each; other files are passed over."""
    (workspace / "in" / "a.CSV").write_text("x\n1\n", "utf-8")
    (workspace / "in" / "notes.txt").write_text("no table", "utf-8")
    found = run(data.LoadCSVAssets, inside(workspace), folder=workspace / "in")
    assert [(item["name"], rows(item["dataframe"])) for item in found] == [
        ("a.CSV", [{"x": 1}]),
        ("people.csv", [{"name": "Zoë", "age": 36}]),
    ]


def test_a_table_is_saved_among_the_assets(workspace: Path) -> None:
    """A folder that isn't chosen is the workspace."""
    frame = table("a\n1\n")
    assert run(data.SaveDataframe, inside(workspace), df=frame) is frame
    assert (workspace / "output.csv").read_text("utf-8") == "a\n1\n"
