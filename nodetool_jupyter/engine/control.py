"""Control edges: nodes that run when they are told to, once for each run event.

A controlled node waits until all of its connected inputs have a value; each event then runs it with the
latest of them and the event's properties, which hold for that run alone.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from typing import Any

from nodetool_jupyter.engine.inbox import Inbox, InputError
from nodetool_jupyter.engine.parking import Parking
from nodetool_jupyter.engine.plan import PlanNode
from nodetool_jupyter.engine.spec import REQUIRED
from nodetool_jupyter.engine.wiring import near
from nodetool_jupyter.model.control import CONTROL, StopEvent, read_event


class ControlInbox(Inbox):
    """Of a controlled node. One that reads its inputs itself gets all of their items for each event, so that
    it waits for their end.
    """

    __slots__ = ("_events", "_is_stopped", "_items", "_latest", "_node", "_overridden", "_plain", "_values")

    def __init__(self, node: PlanNode, parking: Parking) -> None:
        super().__init__(node, parking)
        self._node = node
        inputs = node.spec.inputs
        self._open: dict[str, int] = {**node.producers, CONTROL: _number_of_controls(node)}
        self._plain = [
            name
            for name in node.producers
            if not (node.spec.reads_stream and (name not in inputs or inputs[name].streamed))
        ]
        self._latest: dict[str, Any] = {}
        self._items: list[tuple[str, Any]] = []
        """What has arrived at the handles that the node reads itself."""
        self._events: deque[Any] = deque()
        self._overridden: set[str] = set()
        """Properties that an event has ever given: each time they begin as they were."""
        self._values: Mapping[str, Any] = {}
        self._is_stopped = False

    def push(self, handle: str, value: Any) -> None:
        if handle != CONTROL:
            super().push(handle, value)
        elif not self._is_stopped:
            self._events.append(value)
            self.size += 1

    def _arrive(self, handle: str, value: Any) -> None:
        if handle in self._plain:
            self._latest[handle] = value
        else:
            self._items.append((handle, self._check(handle, value)))

    def is_full(self, handle: str) -> bool:
        return handle == CONTROL and len(self._events) >= self.limit

    def take(self) -> Mapping[str, Any] | None:
        if self._is_stopped or not self._events or not self._is_ready():
            return None
        event = self._read_event()
        if isinstance(event, StopEvent):
            self._is_stopped = True
            return None
        data = {name: self._check(name, value) for name, value in self._latest.items()}
        given = {name: self._checked(name, value) for name, value in event.properties.items()}
        self._values = {**dict(self._own_values()), **data, **given}
        self._overridden.update(given)
        self._check_required()
        return {**self._values}

    def _is_ready(self) -> bool:
        streamed = self._open.keys() - {CONTROL, *self._plain}
        return len(self._latest) == len(self._plain) and not any(self._open[name] for name in streamed)

    def _read_event(self) -> Any:
        value = self._events.popleft()
        self._popped(CONTROL, self._events)
        try:
            return read_event(value)
        except ValueError as error:
            raise InputError(CONTROL, str(error)) from None

    def _checked(self, name: str, value: Any) -> Any:
        """A property of an event; raises InputError where the node doesn't have it, or not of that type."""
        spec = self._node.spec
        handle = spec.inputs.get(name)
        if handle is None:
            if spec.dynamic:
                return value
            reason = f"{spec.type} has no property {name!r}{near(name, spec.inputs)}"
            raise InputError(name, f"a run event: {reason}")
        try:
            return handle.check(value)
        except ValueError as error:
            raise InputError(name, f"a run event: {error}") from None

    def _own_values(self) -> Iterator[tuple[str, Any]]:
        """What properties are that an earlier event has given; a dynamic node, which is bound anew for each
        event, has forgotten those of other names.
        """
        node = self._node
        for name in self._overridden - self._latest.keys():
            handle = node.spec.inputs.get(name)
            if name in node.properties:
                yield name, node.properties[name]
            elif handle is not None and handle.default is not REQUIRED:
                yield name, copy.deepcopy(handle.default)

    def _check_required(self) -> None:
        """A node that is controlled may leave to its events what it needs."""
        node = self._node
        for name, handle in node.spec.inputs.items():
            if handle.default is not REQUIRED or name in node.properties or name in node.producers:
                continue
            if name not in self._values:
                raise InputError(name, "has no value, no connection, and the run event doesn't give it")

    @property
    def is_over(self) -> bool:
        is_hopeless = any(not self._open[name] and name not in self._latest for name in self._plain)
        return self._is_stopped or is_hopeless or not (self._events or self._open[CONTROL])

    @property
    def connected(self) -> Collection[str]:
        """The handles that a node which reads its inputs itself finds items at."""
        return [name for name in self._node.producers if name not in self._values or name in self._plain]

    async def iter_input(self, handle: str) -> AsyncIterator[Any]:
        """The items of one handle, from the first one on for each event."""
        for name, value in self._items:
            if name == handle:
                yield value

    async def iter_any_input(self) -> AsyncIterator[tuple[str, Any]]:
        """(handle, item) in the order of arrival."""
        for name, value in self._items:
            yield name, value


def _number_of_controls(node: PlanNode) -> int:
    return sum(edge.target_handle == CONTROL for edge in node.incoming)
