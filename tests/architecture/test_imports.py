"""What importing costs, and who may look at the environment."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys

import pytest

from tests.architecture.tree import PACKAGE, ROOT, modules, named, parsed

HEAVY = {
    "IPython",
    "PIL",
    "asyncio",
    "cloudpickle",
    "docker",
    "ipykernel",
    "ipywidgets",
    "jinja2",
    "matplotlib",
    "numpy",
    "pandas",
    "psutil",
    "pydantic",
    "sqlite3",
    "yaml",
}


@pytest.mark.parametrize(
    "statement",
    ["import nodetool_jupyter", "from nodetool_jupyter.cli.main import main; main(['--help'])"],
    ids=["package", "command line"],
)
def test_what_starts_first_imports_nothing_heavy(statement: str) -> None:
    """The extension loads fast, and help is there at once, because what is heavy waits for its first use."""
    program = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not HEAVY.intersection(json.loads(result.stdout.splitlines()[-1]))


def test_one_module_reads_the_environment() -> None:
    """What is read elsewhere would be checked by no one, and `config` could not say where it came from."""
    readers = {
        named(path)
        for path in modules(PACKAGE)
        if re.search("environ|getenv", path.read_text("utf-8"))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute | ast.ImportFrom) and reads_environment(node)
    }
    assert readers == {"nodetool_jupyter/environment.py"}


def reads_environment(node: ast.Attribute | ast.ImportFrom) -> bool:
    words = {"environ", "environb", "getenv", "getenvb"}
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any(alias.name in words for alias in node.names)
    return node.attr in words and isinstance(node.value, ast.Name) and node.value.id == "os"


LIBRARY = """
import json, sys
from nodetool_jupyter.session import get_session
from nodetool_jupyter.engine.plan import compile_graph
from nodetool_jupyter.model.graph import Graph, Node
registry = get_session().registry
families = {module for modules in registry.families.values() for module in modules}
first = sorted(families & sys.modules.keys())
compile_graph(Graph(nodes=(Node(id="a", type="nodetool.text.Concat"),)), registry)
print(json.dumps([first, sorted(sys.modules)]))
"""


def test_no_family_of_the_library_is_imported_before_a_workflow_uses_it() -> None:
    """The session has them all registered; what a workflow names is imported then, nothing heavy with it."""
    result = subprocess.run(
        [sys.executable, "-c", LIBRARY], cwd=ROOT, capture_output=True, text=True, check=True
    )
    first, then = json.loads(result.stdout.splitlines()[-1])
    assert first == []
    assert "nodetool_jupyter.nodes.text.combine" in then
    assert not {"PIL", "httpx", "jinja2", "numpy", "pandas"}.intersection(then)
