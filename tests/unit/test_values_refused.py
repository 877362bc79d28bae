"""What can't cross is refused by name, and what doesn't come from us is refused before it does anything."""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, time, tzinfo
from typing import Any

import pytest
from pydantic_core import from_json, to_json

from nodetool_jupyter.errors import ValueCrossingError
from nodetool_jupyter.values import walk
from nodetool_jupyter.values.codec import decode, encode


@dataclasses.dataclass(frozen=True)
class Frozen:
    name: str
    parts: tuple[Any, ...] = ()


def make_local() -> Any:
    @dataclasses.dataclass
    class Local:
        x: int = 1

    return Local()


def generator() -> Iterator[int]:
    yield 1


async def coroutine() -> int:
    return 1


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        (
            {"a": [1, {"b": threading.Lock()}]},
            r'^result\["a"\]\[1\]\["b"\] is a _thread\.lock, which',
            "JSON",
        ),
        (generator(), "^result is a generator, which can't be kept", "a generator, which streams"),
        ([sys], r"^result\[0\] is a module", "not the module"),
        ({1: int}, r"^result\[1\] is a type", "not its class"),
        ((1, {"x" * 60: generator}), r'^result\[1\]\["x{40}…"\] is a function', "not the function"),
        ({(1, 2): [object()]}, r"^result\[<tuple>\]\[0\] is an object", "JSON"),
        (Frozen("a", (object(),)), r"^result\.parts\[0\] is an object", "JSON"),
        (make_local(), "^result is of the class make_local", "top level"),
    ],
)
def test_what_cannot_cross_is_named(value: Any, message: str, hint: str) -> None:
    """The error has the path to the part, its type, and what to do instead."""
    with pytest.raises(ValueCrossingError, match=message) as caught:
        encode(value, name="result")
    assert hint in str(caught.value.hint)


def test_a_coroutine_is_named() -> None:
    """The usual slip: a forgotten await."""
    waiting = coroutine()
    with pytest.raises(ValueCrossingError, match="await it"):
        encode([waiting])
    waiting.close()


def test_a_zone_without_a_name() -> None:
    """A time whose zone can tell neither name nor offset is refused, not silently made naive."""

    class Odd(tzinfo):
        def utcoffset(self, moment: datetime | None) -> None:
            return None

        def tzname(self, moment: datetime | None) -> None:
            return None

    with pytest.raises(ValueCrossingError, match="time zone without name"):
        encode([time(1, tzinfo=Odd())])


def nested(levels: int) -> list[Any]:
    outer: list[Any] = []
    for _ in range(levels - 1):
        outer = [outer]
    return outer


def test_cycles_and_depth_end_at_once() -> None:
    """A value that contains itself, and one 10,000 deep, are errors; 140 levels still cross."""
    loop: list[Any] = [1]
    loop.append({"k": (loop,)})
    with pytest.raises(ValueCrossingError, match=r'^value\[1\]\["k"\]\[0\] contains itself'):
        encode(loop)
    with pytest.raises(ValueCrossingError, match="nested more than 150 levels deep") as caught:
        encode(nested(10_000))
    assert len(str(caught.value)) < 200
    assert decode(from_json(to_json(encode(nested(140))))) == nested(140)


def test_what_unfolds_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists that hold one another many times over would make more JSON than there is memory."""
    monkeypatch.setattr(walk, "MAX_ITEMS", 10_000)
    bomb: list[Any] = []
    for _ in range(20):
        bomb = [bomb] * 10
    with pytest.raises(ValueCrossingError, match=r"has more than 10,000 items"):
        encode(bomb)


def test_errors_of_the_users_classes() -> None:
    """A property that raises is the value's fault, told in one line."""

    @dataclasses.dataclass
    class Fickle:
        x: int = 1

        def __getattribute__(self, name: str) -> Any:
            if name == "x":
                raise ZeroDivisionError("no x today")
            return super().__getattribute__(name)

    with pytest.raises(ValueCrossingError, match=r"value can't be written \(ZeroDivisionError: no x today\)"):
        encode([Fickle()])


@dataclasses.dataclass
class Secret:
    token: str


HOSTILE: list[Any] = [
    {"type": "object", "python": "pickle", "data": "gASVAAAAAAAAAAA="},
    {"type": "object", "python": "numpy.evil"},
    {"type": "object", "python": "os.system"},
    {"type": "object", "python": ["unhashable"]},
    {"type": "object", "python": "dataclass", "module": "os", "class": "system", "fields": {}},
    {"type": "object", "python": "dataclass", "module": "antigravity", "class": "Any", "fields": {}},
    {
        "type": "object",
        "python": "dataclass",
        "module": "subprocess",
        "class": "Popen",
        "fields": {"args": "id"},
    },
    {"type": "object", "python": "pydantic", "module": __name__, "class": "Secret", "fields": {}},
    {"type": "object", "python": "enum", "module": "signal", "class": "Signals", "name": "__class__"},
    {"type": "tuple", "python": "namedtuple", "module": "builtins", "class": "tuple", "items": []},
    {"type": "bytes", "python": "bytes", "data": "not base64!"},
    {"type": "bytes", "python": "bytes", "file": "../../etc/passwd"},
    {"type": "int", "python": "int", "value": "zz"},
    {"type": "set", "python": "set", "items": [[]]},
    {"type": "datetime", "python": "datetime", "year": 10**9},
    {"type": "dict", "python": "dict", "items": [[{}, 1]]},
    {"type": "decimal", "python": "decimal", "value": "1e"},
    {"type": "none", "python": None},
]


@pytest.mark.parametrize("json", HOSTILE, ids=lambda json: f"{json['python']}-{json.get('module', '')}")
def test_hostile_json_is_refused(json: Any) -> None:
    """Whatever a container or a file says: an error of ours, nothing imported, nothing run."""
    before = set(sys.modules)
    with pytest.raises(ValueCrossingError):
        decode([json])
    assert "antigravity" not in set(sys.modules) - before


def test_deep_json_is_refused() -> None:
    """JSON that no reader of ours would give doesn't end the process."""
    json: Any = {}
    for _ in range(100_000):
        json = [json]
    with pytest.raises(ValueCrossingError, match="too deep"):
        decode(json)


def test_classes_are_found_by_the_callback_first() -> None:
    """A kernel may know a class that stands in no module; without it, the error says what to do."""
    json = encode(Frozen("a"))
    json["module"] = "__main__"
    json["class"] = "Gone"
    with pytest.raises(ValueCrossingError, match=r"class __main__\.Gone, which isn't defined here") as caught:
        decode(json)
    assert caught.value.hint == "run the cell that defines it"
    asked: list[tuple[str, str]] = []

    def classes(module: str, name: str) -> type:
        asked.append((module, name))
        return Frozen

    assert decode(json, classes=classes).name == "a"
    assert asked == [("__main__", "Gone")]
