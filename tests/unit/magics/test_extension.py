"""Loading, unloading, the public names, and what a question mark shows."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import nodetool_jupyter
from nodetool_jupyter.authoring.options import OPTIONS
from nodetool_jupyter.magics.commands import COMMANDS
from nodetool_jupyter.magics.extension import MATCHER, keep_body, load
from tests.unit.magics.shells import Shell, open_shell

ROOT = Path(__file__).resolve().parents[3]
LOADING = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "nodetool_jupyter")
new = set(sys.modules) - before
print(sorted(name for name in new if not name.startswith(("nodetool_jupyter.magics", "IPython."))))
"""


@pytest.fixture
def shell() -> Iterator[Shell]:
    with open_shell() as shell:
        yield shell


def state(shell: Shell) -> dict[str, object]:
    """What the extension puts into a shell."""
    ip = shell.ip
    return {
        "magics": [kind for kind in ("line", "cell") if "nodetool" in ip.magics_manager.magics[kind]],
        "defaults": [type(item).__name__ for item in ip.configurables].count("NodeToolMagics"),
        "matchers": [getattr(item, "matcher_identifier", "") for item in ip.Completer.custom_matchers].count(
            MATCHER
        ),
        "transforms": ip.input_transformers_cleanup.count(keep_body),
    }


def test_loading_imports_the_package_alone() -> None:
    """Neither pydantic nor anything else that a first cell pays for."""
    result = subprocess.run(
        [sys.executable, "-c", LOADING], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().splitlines()[-1] == "['nodetool_jupyter']"


def test_unloading_leaves_nothing_and_loading_twice_doubles_nothing(shell: Shell) -> None:
    """Also reloading, as one does while developing."""
    loaded = {"magics": ["line", "cell"], "defaults": 1, "matchers": 1, "transforms": 1}
    assert state(shell) == loaded
    load(shell.ip)
    shell.ip.run_line_magic("reload_ext", "nodetool_jupyter")
    assert state(shell) == loaded
    shell.ip.run_line_magic("unload_ext", "nodetool_jupyter")
    assert state(shell) == {"magics": [], "defaults": 0, "matchers": 0, "transforms": 0}
    load(shell.ip)


def test_question_marks_show_the_tables(shell: Shell) -> None:
    """Every option behind %%nodetool?, every command and flag behind %nodetool?."""
    cell = shell.ip.object_inspect("%%nodetool")["docstring"]
    assert all(option.flag in cell and option.help in cell for option in OPTIONS)
    line = shell.ip.object_inspect("%nodetool")["docstring"]
    assert all(command.usage in line and command.help in line for command in COMMANDS)
    assert all(flag.help in line for command in COMMANDS for flag in command.flags)


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (["%%nodetool --file x"], ["%%nodetool --file x\n", "\n"]),
        (["%%nodetool\n"], ["%%nodetool\n", "\n"]),
        (["%%nodetool\n", "x"], ["%%nodetool\n", "x"]),
        (["%%nodetools"], ["%%nodetools"]),
        (["x = 1"], ["x = 1"]),
        ([], []),
    ],
)
def test_bare_cell_gets_a_body(lines: list[str], kept: list[str]) -> None:
    """Only ours, and only where there is none."""
    assert keep_body(lines) == kept


def test_public_names_are_there() -> None:
    """Each can be imported, is listed, and is known to type checkers by the same name."""
    for name in nodetool_jupyter.__all__:
        assert getattr(nodetool_jupyter, name) is not None
    assert set(nodetool_jupyter.__all__) <= set(dir(nodetool_jupyter))
    tree = ast.parse((ROOT / "nodetool_jupyter" / "__init__.py").read_text("utf-8"))
    block = next(part for part in tree.body if isinstance(part, ast.If))
    declared = {
        f"{part.module}.{alias.name}"
        for part in block.body
        if isinstance(part, ast.ImportFrom) and str(part.module).startswith("nodetool_jupyter")
        for alias in part.names
    }
    assert declared == {f"{home}.{name}" for name, home in nodetool_jupyter._HOMES.items()}
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = nodetool_jupyter.nothing


def test_version_is_the_project_s() -> None:
    """One number, in two places that need it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert nodetool_jupyter.__version__ == project.get("version", nodetool_jupyter.__version__)
