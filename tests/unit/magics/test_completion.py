"""What Tab offers, through IPython's own completer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodetool_jupyter.authoring.options import OPTIONS
from tests.unit.magics.shells import NODES, Shell, open_shell


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    with open_shell() as shell:
        shell.run(NODES)
        yield shell


def offered(shell: Shell, code: str, end: str = "") -> list[str]:
    """The words offered for the last one of ``code``."""
    return [text.rsplit(" ", 1)[-1] for text in shell.complete(code, end)]


def test_options_that_this_version_has(shell: Shell) -> None:
    """All of the table but those for later."""
    assert offered(shell, "%%nodetool --") == [option.flag for option in OPTIONS]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("%%nodetool --pro", ["--progress"]),
        ("%%nodetool -p a=1 --para", ["--param", "--params"]),
        ("%%nodetool --progress ", ["auto", "widget", "text", "none"]),
        ("%%nodetool --progress=w", ["--progress=widget"]),
        ("%%nodetool -s t", ["threaded"]),
        ("%%nodetool --params $value_", ["$value_of_mine"]),
        ("%%nodetool -o value_", ["value_of_mine"]),
        ("%nodetool st", ["status"]),
        ("x = %nodetool res", ["result", "resume"]),
        ("y = 1\n%nodetool ca", ["cancel"]),
        ("%nodetool jobs --s", ["--status"]),
        ("%nodetool jobs --status f", ["failed"]),
        ("%nodetool run some.json --tim", ["--timeout"]),
        ("%nodetool nodes notebook.s", ["notebook.shout"]),
        ("%nodetool nodes nodetool.text.Conc", ["nodetool.text.Concat"]),
        ("%nodetool nodes nodetool.te", ["nodetool.text."]),
    ],
)
def test_values_commands_and_flags(shell: Shell, code: str, words: list[str]) -> None:
    """Each from the table or place that knows it."""
    shell.names["value_of_mine"] = {"a": 1}
    assert offered(shell, code) == words


def test_files_that_may_be_workflows(shell: Shell, tmp_path: Path) -> None:
    """Folders and workflow files, quoted where a blank is in the name."""
    for name in ("mine.json", "mine too.yaml", "mine.txt"):
        (tmp_path / name).touch()
    (tmp_path / "minefield").mkdir()
    (tmp_path / "minefield" / "in.json").touch()
    code = "%nodetool run "
    assert [text.removeprefix(code) for text in shell.complete(f"{code}mine")] == [
        "'mine too.yaml'",
        "mine.json",
        "minefield/",
    ]
    assert offered(shell, "%%nodetool --file minefield/") == ["minefield/in.json"]
    assert shell.complete(f"{code}'mine t") == [f"{code}'mine too.yaml'"]


def test_jobs_by_id_name_and_last(shell: Shell) -> None:
    """What a command takes as an ID."""
    shell.run("%%nodetool --quiet --name mine -b -o job\nshout(text='a')")
    job = shell.names["job"]
    assert offered(shell, "%nodetool status ") == ["last", "mine", job.id]
    assert offered(shell, f"%nodetool cancel {job.id[:6]}") == [job.id]


def test_params_of_the_body_or_file(shell: Shell, tmp_path: Path) -> None:
    """Input nodes of JSON, Input calls of Python."""
    graph = {
        "nodes": [{"id": "i", "type": "nodetool.input.StringInput", "data": {"name": "who"}}],
        "edges": [],
    }
    (tmp_path / "w.json").write_text(json.dumps(graph), "utf-8")
    assert offered(shell, "%%nodetool -p ", f"\n{json.dumps(graph)}") == ["who="]
    assert offered(shell, "%%nodetool -p w", '\nshout(text=Input("whom", str))') == ["whom="]
    assert offered(shell, "%nodetool run w.json -p ") == ["who="]


def test_node_types_in_a_json_body(shell: Shell) -> None:
    """Behind "type" in a cell of ours, nowhere else."""
    body = '{"nodes": [{"id": "a", "type": "nodetool.text.Conc'
    assert offered(shell, f"%%nodetool\n{body}") == ['"nodetool.text.Concat']
    assert offered(shell, f"data = 1\n{body}") == []


@pytest.mark.parametrize(
    "code",
    [
        "%%nodetool --name 'x",
        "%nodetool bogus ",
        "%%nodetool -p x=",
        "%nodetool status ' ",
        "%%nodetool --file nowhere/",
    ],
)
def test_half_a_line_is_harmless(shell: Shell, code: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing is raised or printed into what is being typed."""
    shell.complete(code)
    assert capfd.readouterr() == ("", "")


def test_other_cells_are_left_to_others(shell: Shell) -> None:
    """Python code completes as ever, beneath our magic too."""
    assert "shout" in offered(shell, "sho")
    assert shell.complete("%%nodetool\nsho") == ["%%nodetool\nshout"]
