"""NodeTool's own node packages: found, run by threads and processes, and not imported before they are used.

nodetool-core wants other versions of some packages, so it lies in a folder of its own, which only the
programs here see: ``NODETOOL_CORE_PATH``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nodetool_jupyter.adapters import InstalledNodes, installed_first, is_installed
from tests.integration.installed_programs import CLASSES, PACKAGE, START

VARIABLE = "NODETOOL_CORE_PATH"
REPLACED = """
class Not(BaseNode):
    value: bool = False
    async def process(self, context) -> str:
        return "installed"
"""
ROOT = Path(__file__).parents[2]


class Programs:
    """Runs programs of a folder that has a package of nodes, beside nodetool-core."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        package = folder / "packages" / "nodetool" / "nodes" / "acme"
        package.mkdir(parents=True)
        (package / "speech.py").write_text(PACKAGE, "utf-8")
        (package / "broken.py").write_text("import not_there", "utf-8")
        replaced = package.parent / "nodetool"
        replaced.mkdir()
        (replaced / "boolean.py").write_text(PACKAGE + REPLACED, "utf-8")

    def run(self, program: str, **variables: str) -> str:
        """What a program prints."""
        path = self._folder / "program.py"
        path.write_text(program, "utf-8")
        paths = (os.environ[VARIABLE], str(self._folder / "packages"), str(ROOT))
        home = {"NODETOOL_HOME": str(self._folder / "home"), "PYTHONPATH": os.pathsep.join(paths)}
        done = subprocess.run(
            [sys.executable, str(path)],
            capture_output=True,
            text=True,
            timeout=800,
            env={**os.environ, **home, **variables},
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    return Programs(tmp_path)


@pytest.mark.needs_variable(VARIABLE)
@pytest.mark.parametrize("strategy", ["threaded", "subprocess"])
def test_classes_of_a_notebook_run(programs: Programs, strategy: str) -> None:
    """A value, a stream, a reader of one, references in and out."""
    printed = programs.run(
        f"""{START}{CLASSES}
get_session().registry.add_namespace(globals())
def result(*args, **more):
    return run(graph(*args, **more), strategy="{strategy}").result()
print(result("notebook.Repeat", {{"text": "ab", "times": 3}}))
image = result("notebook.Invert", {{"image": Image.new("RGB", (3, 2), "red")}})
print(image.size, image.getpixel((0, 0)))
print(result("notebook.Words", {{"text": "a b"}}, "word"))
print(result("notebook.Words", {{"text": "a b"}}, "table")[0].to_dict("list"))
print(result("notebook.Words", {{"text": "a b"}}, "word", [{{"id": "u", "type": "notebook.Upper"}}]))
print(result("nodetool.workflows.base_node.ToolResult", {{"more": 5}}, "result"))
"""
    )
    assert printed.splitlines() == [
        "ababab",
        "(3, 2) (0, 255, 255)",
        "['a', 'b']",
        "{'a': [1, 2]}",
        "['A', 'B']",
        "[{'more': 5}]",
    ]


@pytest.mark.needs_variable(VARIABLE)
def test_an_installed_package_is_imported_when_a_type_of_it_is_used(programs: Programs) -> None:
    """It runs in a worker too; an asset that it makes is a value at the notebook's edge."""
    printed = programs.run(
        f"""{START}
get_session()
print("nodetool.workflows.base_node" in sys.modules)
for strategy in ("threaded", "subprocess"):
    print(run(graph("acme.speech.Louder", {{"text": "hi"}}), strategy=strategy).result())
    given = {{"image": Image.new("RGB", (3, 2), "red")}}
    print(run(graph("acme.speech.Named", given), strategy=strategy).result().size)
print("nodetool.nodes.acme.broken" in sys.modules, get_session().registry.get("acme.nothing.X"))
registry = get_session().registry
print([spec.type for spec in registry.all() if spec.type.startswith("acme")])
print(registry.missing["installed packages"].rpartition(":")[0])
"""
    )
    assert printed.splitlines() == [
        "False",
        "hi!",
        "(3, 2)",
        "hi!",
        "(3, 2)",
        "False None",
        "['acme.speech.Ask', 'acme.speech.Louder', 'acme.speech.Named']",
        "the installed nodes of acme.broken can't be loaded: ModuleNotFoundError",
    ]


@pytest.mark.needs_variable(VARIABLE)
def test_what_a_context_cannot_do_is_said_by_name(programs: Programs) -> None:
    """A secret comes from the environment by its name."""
    printed = programs.run(
        f"""{START}
for method in ("get_secret", "get_provider", "run_prediction"):
    try:
        print(run(graph("acme.speech.Ask", {{"method": method}})).result())
    except Exception as error:
        print(error)
""",
        NAME="a secret",
    )
    said = printed.splitlines()
    assert said[0] == "a secret"
    assert "context.get_provider isn't available in a notebook's job" in printed
    assert "context.run_prediction isn't available in a notebook's job" in printed


@pytest.mark.needs_variable(VARIABLE)
def test_values_are_checked_before_anything_runs(programs: Programs) -> None:
    """By the class's own annotations and bounds."""
    printed = programs.run(
        f"""{START}{CLASSES}
get_session().registry.add_namespace(globals())
try:
    run(graph("notebook.Repeat", {{"text": 5, "times": 9}}))
except Exception as error:
    print(error)
"""
    )
    assert "node a, handle text: expected str, found int 5" in printed
    assert "node a, handle times: expected int, found int 9" in printed


@pytest.mark.needs_variable(VARIABLE)
def test_a_built_in_type_is_used_unless_a_setting_says_otherwise(programs: Programs) -> None:
    """Of a type that both have; each has its other ones, whatever is set. The command says which is used."""
    program = f"""{START}
registry = get_session().registry
for name in ("Not", "Louder", "Some"):
    print(registry.get(f"nodetool.boolean.{{name}}").source.__module__)
from nodetool_jupyter.magics.library import twins
print(*twins(registry, [registry.get(f"nodetool.boolean.{{name}}") for name in ("Not", "Some")]))
for strategy in ("threaded", "subprocess"):
    print(run(graph("nodetool.boolean.Not", {{"value": True}}), strategy=strategy).result())
"""
    built_in, installed = "nodetool_jupyter.nodes.boolean", "nodetool.nodes.nodetool.boolean"
    said = "an installed NodeTool package has nodetool.boolean.Not too"
    printed = programs.run(program).splitlines()
    assert printed[:3] == [built_in, installed, built_in]
    assert printed[3].startswith(said)
    assert "the built-in one is used; NODETOOL_PREFER_INSTALLED_NODES=1 turns it round" in printed[3]
    assert printed[4:] == ["False", "False"]
    printed = programs.run(program, NODETOOL_PREFER_INSTALLED_NODES="1").splitlines()
    assert printed[:3] == [installed, installed, built_in]
    assert "the installed one is used; NODETOOL_PREFER_INSTALLED_NODES=0 turns it round" in printed[3]
    assert printed[4:] == ["installed", "installed"]


@pytest.mark.needs_variable(VARIABLE)
def test_calling_a_class_in_a_python_cell_makes_a_node(programs: Programs) -> None:
    """Outside of a cell it is a class like any other."""
    printed = programs.run(
        f"""{START}{CLASSES}
from nodetool_jupyter.authoring.python_body import PythonBody
body = PythonBody("Repeat(text=Repeat(text='a'), times=1)", lambda text: text)
body.run(globals())
built = body.builder.graph()
print([node.type for node in built.nodes], len(built.edges), Repeat(text="b").text)
"""
    )
    assert printed == "['notebook.Repeat', 'notebook.Repeat', 'nodetool.output.Output'] 2 b\n"


def test_without_nodetool_core_there_is_nothing_to_find() -> None:
    """A name that is no path of Python names is looked for nowhere."""
    nodes = InstalledNodes()
    assert list(nodes.all()) == []
    for name in ("acme.Thing", "Thing", "", "a..b.C", "../../evil.C", "nodetool.workflows.nothing.C"):
        assert nodes.find(name) is None
    assert nodes.adapted(Programs) is None
    assert not is_installed("nodetool.text")
    assert installed_first({"nodetool.text": ("module",)}) == {"nodetool.text": ("module",)}
