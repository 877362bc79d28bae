"""Content that lies elsewhere: a reference is passed on, and read when a node fires that takes content.

Reading blocks, so it is done in the node's own thread, never on the job's loop and never while a graph is
checked.
"""

from __future__ import annotations

import asyncio
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from nodetool_jupyter.engine.annotations import Check
from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.spec import Shape
from nodetool_jupyter.values.base import Content
from nodetool_jupyter.values.convert import RESOLVE

STORAGE = "/api/storage/"
Call = Callable[[Mapping[str, Any]], Any]


def takes_content(annotation: Any) -> bool:
    """Whether values of this annotation, or items of its list, are made of what a reference refers to."""
    if get_origin(annotation) is Annotated:
        return any(isinstance(extra, Content) for extra in get_args(annotation)[1:])
    return get_origin(annotation) in (list, typing.Union) and any(map(takes_content, get_args(annotation)))


def is_elsewhere(value: Any) -> bool:
    """Whether a value refers to content, or is a list of what does, and has not brought it along."""
    if isinstance(value, list):
        return any(map(is_elsewhere, value))
    if isinstance(value, dict):
        is_here = value.get("data") is not None or not isinstance(value.get("type"), str)
        uri = value.get("uri")
        return not is_here and bool(is_elsewhere(uri) if uri else value.get("asset_id"))
    return isinstance(value, Path) or (
        isinstance(value, str) and ("://" in value[:20] or value.startswith(STORAGE))
    )


def when_it_is_here(check: Check) -> Check:
    """The check of an input that takes content: references pass, to be checked once they are read."""
    return lambda value: value if is_elsewhere(value) else check(value)


class Reader:
    """Reads for one node of a run: ``checks`` are those of its inputs that take content."""

    def __init__(self, shape: Shape, checks: Mapping[str, Check], properties: Mapping[str, Any]) -> None:
        self._shape = shape
        self._checks = checks
        self._properties = {name: properties[name] for name in checks if is_elsewhere(properties.get(name))}

    def call(self, values: Mapping[str, Any], context: ProcessingContext, call: Call) -> Any:
        """``call`` with what the values, and properties that have not been read yet, refer to."""
        waiting = {**self._properties, **{name: values[name] for name in self._checks if name in values}}
        waiting = {name: value for name, value in waiting.items() if is_elsewhere(value)}
        self._properties = {}
        if self._shape is Shape.FUNCTION:
            return self._called(values, waiting, context, call)
        if self._shape is Shape.GENERATOR:
            return self._generated(values, waiting, context, call)
        if not waiting:
            return call(values)
        if self._shape is Shape.COROUTINE:
            return self._awaited(values, waiting, context, call)
        return self._iterated(values, waiting, context, call)

    def _called(
        self, values: Mapping[str, Any], waiting: dict[str, Any], context: ProcessingContext, call: Call
    ) -> Any:
        """In the node's thread, where the node itself may read, too."""
        token = RESOLVE.set(context.read_uri)
        try:
            return call({**values, **self._read(waiting)} if waiting else values)
        finally:
            RESOLVE.reset(token)

    def _generated(
        self, values: Mapping[str, Any], waiting: dict[str, Any], context: ProcessingContext, call: Call
    ) -> Any:
        token = RESOLVE.set(context.read_uri)
        try:
            yield from call({**values, **self._read(waiting)} if waiting else values)
        finally:
            RESOLVE.reset(token)

    async def _awaited(
        self, values: Mapping[str, Any], waiting: dict[str, Any], context: ProcessingContext, call: Call
    ) -> Any:
        return await call({**values, **await asyncio.to_thread(self._read_by, context, waiting)})

    async def _iterated(
        self, values: Mapping[str, Any], waiting: dict[str, Any], context: ProcessingContext, call: Call
    ) -> Any:
        async for item in call({**values, **await asyncio.to_thread(self._read_by, context, waiting)}):
            yield item

    def _read_by(self, context: ProcessingContext, waiting: dict[str, Any]) -> dict[str, Any]:
        RESOLVE.set(context.read_uri)
        return self._read(waiting)

    def _read(self, waiting: dict[str, Any]) -> dict[str, Any]:
        from nodetool_jupyter.engine.inbox import InputError  # it knows plans, and they what is read

        found = {}
        for name, value in waiting.items():
            try:
                found[name] = self._checks[name](value)
            except ValueError as error:
                raise InputError(name, str(error)) from None
        return found
