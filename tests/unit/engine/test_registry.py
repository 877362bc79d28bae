"""Node types by name: families are loaded when they are needed, and what is missing is said."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest

from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.engine.plan import find_problems
from nodetool_jupyter.engine.registry import Registry, module_specs
from nodetool_jupyter.errors import WorkflowError
from nodetool_jupyter.model.graph import Graph, Node

FAMILY = """
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.engine.node import BaseNode
from tests.unit.engine.kinds import Sort
class Base(BaseNode, prefix="some.family", abstract=True): ...
class Thing(Base): ...
"""


@pytest.fixture
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module with a family of nodes, which nobody has imported."""
    (tmp_path / "some_family.py").write_text(FAMILY, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "some_family", raising=False)
    return "some_family"


def test_a_family_is_imported_when_a_type_of_its_is_asked_for(family: str) -> None:
    """Starting a session costs nothing for nodes that nobody uses."""
    registry = Registry({"some.family": (family,)})
    assert registry.get("some.other.Thing") is None
    assert family not in sys.modules
    spec = registry.get("some.family.Thing")
    assert spec is not None
    assert spec.type == "some.family.Thing"


def test_a_module_gives_its_own_types_only(family: str) -> None:
    """Not the abstract ones, nor those that it has imported from elsewhere."""
    registry = Registry({"some.family": (family,)})
    assert [spec.type for spec in registry.all()] == ["some.family.Thing"]


def test_functions_of_a_module_are_types() -> None:
    """As its classes are; one imported from another module belongs to that one."""
    module = ModuleType("functions")
    exec("from tests.unit.engine.kinds import *", vars(module))
    exec(
        "from nodetool_jupyter.engine.function import node\n@node\ndef own(x: int) -> int: return x",
        vars(module),
    )
    assert [spec.type for spec in module_specs(module)] == ["functions.own"]


def test_a_redefined_type_takes_the_place_of_the_old_one() -> None:
    """A notebook's cells are run again and again."""
    registry = Registry({})

    def again(text: str) -> str:
        return text

    first, second = node(again).spec, node(again).spec
    registry.add(first)
    registry.add(second)
    assert registry.get(first.type) is second


def test_nodes_of_a_namespace() -> None:
    """Functions always, classes if they were defined in the notebook itself."""
    names: dict[str, object] = {"__name__": "__main__", "BaseNode": BaseNode, "node": node, "other": 5}
    exec("class Own(BaseNode): ...\n@node\ndef f(x: int) -> int: return x", names)
    registry = Registry({})
    registry.add_namespace(names)
    assert [spec.type for spec in registry.all()] == ["notebook.Own", "notebook.f"]


def test_a_near_type_is_suggested(family: str) -> None:
    """Where a typo is likely, and only there."""
    registry = Registry({"some.family": (family,)})
    assert registry.suggest("some.family.Thign") == "some.family.Thing"
    assert registry.suggest("quite.different") is None


def test_a_family_that_cannot_be_loaded_is_a_problem_of_its_nodes() -> None:
    """The other problems of the graph are reported beside it, and guesses don't fail because of it."""
    registry = Registry({"lib.gone": ("no_such_module",)})
    with pytest.raises(WorkflowError, match=r"the nodes of lib\.gone can't be loaded: .*no_such_module"):
        registry.get("lib.gone.Thing")
    nodes = (
        Node(id="a", type="lib.gone.Thing"),
        Node(id="b", type="what"),
        Node(id="c", type="lib.gone.Thing"),
    )
    problems = [str(problem) for problem in find_problems(Graph(nodes=nodes), registry)]
    assert [problem.partition(":")[0] for problem in problems] == ["node a", "node b", "node c"]
    assert "install what module no_such_module needs" in problems[0]


def test_threads_load_a_family_once(family: str) -> None:
    """Jobs are submitted from any thread: all see the same type."""
    registry = Registry({"some.family": (family,)})
    start = threading.Barrier(8)
    found: list[object] = []

    def look() -> None:
        start.wait()
        found.append(registry.get("some.family.Thing"))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert set(map(id, found)) == {id(registry.get("some.family.Thing"))}
