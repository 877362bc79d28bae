"""Classes whose instances cross between processes: both ends import them from here."""

from __future__ import annotations

import dataclasses
import enum
import threading
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr

T = TypeVar("T")


class Color(enum.Enum):
    RED = "r"
    BLUE = ("b", 2)


class Level(enum.IntEnum):
    LOW = 1


class Right(enum.Flag):
    READ = 1
    WRITE = 2


class Word(str, enum.Enum):
    YES = "yes"


class Point(NamedTuple):
    x: int
    y: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    name: str
    inner: Any = None


@dataclasses.dataclass
class Box(Generic[T]):
    item: T
    label: str = dataclasses.field(default="", compare=False)


@dataclasses.dataclass
class Counter:
    """What its methods set on it belongs to it; what it works out does not."""

    start: int

    def __post_init__(self) -> None:
        self.steps = [self.start]

    @cached_property
    def lock(self) -> Any:
        return threading.Lock()


@dataclasses.dataclass
class Rows(list[int]):
    title: str = ""


class Item(BaseModel):
    name: str
    tags: set[str] = set()


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: Page[T] | None = None


class Session(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True, extra="allow")
    user: str
    _visits: int = PrivateAttr(default=0)
    _lock: Any = PrivateAttr(default_factory=threading.Lock)


class Plain:
    """A class like any other: only a pickle holds its instances."""

    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)

    def __eq__(self, other: object) -> bool:
        return type(other) is Plain and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


class Text(str):
    __slots__ = ("source",)


class Table(dict[str, int]):
    def total(self) -> int:
        return sum(self.values())


class Locked(list[Any]):
    """A list that can't be pickled."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("not me")


class Bad:
    """Its pickle can be made, and not be read."""

    def __reduce__(self) -> Any:
        return int, ("no number",)
