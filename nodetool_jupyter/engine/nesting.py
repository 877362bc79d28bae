"""A workflow in a workflow: a node that runs a graph of its own, once for each firing.

What is inside is planned and checked with the graph around it, before anything runs. Its inputs and outputs
are the node's; its nodes speak with the node's voice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from nodetool_jupyter.engine.context import NodeSuspended, ProcessingContext, Resumption
from nodetool_jupyter.engine.spec import Bound, InputSpec, NodeSpec, Role, Shape
from nodetool_jupyter.engine.wiring import output_type
from nodetool_jupyter.errors import InvalidGraph, NodeToolError, Problem
from nodetool_jupyter.model.events import Event, LogUpdate, NodeUpdate, Notification, PreviewUpdate
from nodetool_jupyter.model.graph import Graph, Node, Workflow
from nodetool_jupyter.model.types import ANY, TypeMetadata

if TYPE_CHECKING:
    from nodetool_jupyter.engine.plan import Plan, PlanNode
    from nodetool_jupyter.engine.registry import Registry
    from nodetool_jupyter.engine.reporter import Reporter

WORKFLOW = "workflow_json"
"""The property that holds the workflow."""
DEEPEST = 8
LIMIT = 64
"""Values that wait for whoever follows before the nodes inside do."""
SHOWN = 5

Plans = Callable[[Mapping[str, Any]], "Plan"]
"""Params → the plan of what is inside"""


def nested_spec(
    node: Node, spec: NodeSpec, registry: Registry, level: int, problems: list[Problem]
) -> NodeSpec:
    """The spec of a node that runs the workflow it holds; ``level`` says how many it lies in itself."""
    from nodetool_jupyter.engine.plan import compile_graph  # which plans this node, too

    if level >= DEEPEST:
        problems.append(Problem(f"workflows lie in one another more than {DEEPEST} deep", node.id, WORKFLOW))
        return spec
    spec = replace(spec, inputs={WORKFLOW: replace(spec.inputs[WORKFLOW], check=lambda given: given)})
    try:
        graph = read_graph(node.data.get(WORKFLOW))
        plan = compile_graph(graph, registry, level=level + 1)
        _refuse_streams(plan)
    except InvalidGraph as error:
        problems += _of_node(node, error.problems)
        return spec
    except ValueError as error:
        problems.append(Problem(str(error), node.id, WORKFLOW))
        return spec

    def plan_anew(params: Mapping[str, Any]) -> Plan:
        return compile_graph(graph, registry, params, level=level + 1)

    return spec_of_plan(spec, plan, plan_anew)


def _refuse_streams(plan: Plan) -> None:
    for node in plan.fed:
        raise ValueError(f"its input {node.param!r} is a stream: nothing could be pushed to it")


def read_graph(given: Any) -> Graph:
    """The graph of a workflow, or of its JSON; raises ValueError."""
    if isinstance(given, Workflow):
        return given.graph
    if not isinstance(given, dict) or not given:
        raise ValueError("expected a workflow as JSON, and not from an edge: it is checked before all runs")
    try:
        return Workflow.model_validate(given).graph
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"can't be read as a workflow: {place}: {first['msg']}") from None
    except RecursionError:
        raise ValueError("is nested too deep to be read as a workflow") from None


def _of_node(node: Node, problems: Any) -> Iterator[Problem]:
    for problem in problems[:SHOWN]:
        yield Problem(f"in its workflow: {problem}", node.id, WORKFLOW)
    if len(problems) > SHOWN:
        yield Problem(f"in its workflow: {len(problems) - SHOWN} more problems", node.id, WORKFLOW)


def spec_of_plan(spec: NodeSpec, plan: Plan, plan_anew: Plans) -> NodeSpec:
    """A node type whose inputs and outputs are those of a workflow."""
    inputs = {node.param: _input(node) for node in plan.nodes if node.spec.role is Role.INPUT and node.param}
    streams = any(plan.outputs.values())
    return replace(
        spec,
        inputs={WORKFLOW: spec.inputs[WORKFLOW], **inputs},
        outputs=_outputs(plan),
        shape=Shape.ASYNC_GENERATOR if streams else Shape.COROUTINE,
        bind=lambda properties, _dynamic: _Nested(properties, plan_anew, streams=streams),
        role=Role.NODE,
        dynamic=False,
        dynamic_outputs=False,
        routes=True,
        nested=plan,
    )


def _input(node: PlanNode) -> InputSpec:
    value = node.spec.inputs.get("value")
    if value is None:
        return InputSpec(node.param, ANY, lambda given: given)

    def check(given: Any) -> Any:
        checked = value.check(given)
        return checked if node.spec.accept is None else node.spec.accept(node.properties, checked)

    default = node.properties.get("value", value.default)
    return InputSpec(node.param, value.type, check, default, str(node.properties.get("description", "")))


def _outputs(plan: Plan) -> dict[str, TypeMetadata]:
    found = dict.fromkeys(plan.outputs, ANY)
    for node in plan.nodes:
        for edge in node.incoming if node.spec.role is Role.OUTPUT else ():
            if edge.target_handle == "value":
                name = str(node.properties.get("name", ""))
                found[name] = output_type(edge.source, edge.source_handle) or ANY
    return found


class _Nested:
    """The runnable: each firing plans and runs what is inside, with its values as params."""

    def __init__(self, properties: Mapping[str, Any], plan: Plans, *, streams: bool) -> None:
        self._properties = properties
        self._plan = plan
        self._streams = streams

    def call(self, values: Mapping[str, Any], context: ProcessingContext, _reader: Any) -> Any:
        given = {**self._properties, **values}
        if WORKFLOW in values:
            raise ValueError("its workflow can't come from an edge or an event: it has been checked before")
        del given[WORKFLOW]
        plan = self._plan(given)
        return _stream(plan, context) if self._streams else _result(plan, context)


async def _result(plan: Plan, context: ProcessingContext) -> dict[str, Any]:
    """The one value of each output that got one."""
    found: dict[str, Any] = {}

    async def take(name: str, value: Any) -> None:
        found[name] = value

    await _InnerRun(plan, context, take).run()
    return found


async def _stream(plan: Plan, context: ProcessingContext) -> AsyncGenerator[dict[str, Any], None]:
    """Each value of each output as it comes."""
    waiting: asyncio.Queue[tuple[str, Any]] = asyncio.Queue(LIMIT)

    async def take(name: str, value: Any) -> None:
        await waiting.put((name, value))

    run = asyncio.ensure_future(_InnerRun(plan, context, take).run())
    try:
        while not (run.done() and waiting.empty()):
            if waiting.empty():
                arrival = asyncio.ensure_future(waiting.get())
                await asyncio.wait({arrival, run}, return_when=asyncio.FIRST_COMPLETED)
                if not arrival.done():
                    arrival.cancel()
                    continue
                name, value = arrival.result()
            else:
                name, value = waiting.get_nowait()
            yield {name: value}
        await run
    finally:
        if not run.done():
            run.cancel()
            await asyncio.wait({run})


class _InnerRun:
    """One run of what is inside; ``take`` gets the values of its outputs."""

    def __init__(
        self, plan: Plan, context: ProcessingContext, take: Callable[[str, Any], Awaitable[None]]
    ) -> None:
        from nodetool_jupyter.engine.runner import WorkflowRunner  # which runs this node, too

        reporter = context.reporter
        assert reporter is not None, "a node runs in a run"
        self._reporter = reporter
        self._all = len(plan.nodes)
        self._done = 0
        self._suspended: tuple[str, Any] | None = None
        for node in plan.nodes:
            if node.spec.role is Role.OUTPUT:
                node.spec = _taken(node.spec, str(node.properties.get("name", "")), take)
        services = replace(context.services, keeper=self, resumption=_inner(context.resumption))
        self._runner = WorkflowRunner(
            plan,
            replace(context, services=services, reporter=None),
            self._pass_on,
            reporter.run.pool,
            grace=reporter.run.grace,
            is_nested=True,
        )

    async def run(self) -> None:
        """Run to the end; raises what it failed with."""
        outcome = await self._runner.run()
        if outcome.status == "suspended":
            raise NodeSuspended(outcome.message or "", self._suspended)
        if outcome.error is not None:
            raise outcome.error
        if outcome.fault is not None:
            raise NodeToolError(outcome.fault.message, hint=outcome.fault.hint)

    def _pass_on(self, events: Any) -> None:
        """What its nodes say is said by this one."""
        for event in events:
            self._say(event)

    def _say(self, event: Event) -> None:
        reporter: Reporter = self._reporter
        match event:
            case LogUpdate():
                reporter.report_log(f"{event.node_name}: {event.content}", event.severity)
            case Notification():
                reporter.report_notification(event.content, event.severity)
            case PreviewUpdate():
                reporter.run.telling.emit(replace(event, node_id=reporter.id))
            case NodeUpdate(status="completed"):
                self._done += 1
                reporter.report_progress(self._done, self._all, "")
            case _:
                """Its outputs are taken, its end is awaited, and its streams are its own."""

    def keep(self, node: PlanNode, outputs: Mapping[str, Any]) -> None:
        """See ResultKeeper: only the whole is kept."""

    def suspend(self, node_id: str, state: Any) -> None:
        """See ResultKeeper: the node around it suspends the job, with this as its state."""
        self._suspended = (node_id, state)

    def close(self, *, is_completed: bool) -> None:
        """See ResultKeeper."""


def _inner(resumption: Resumption | None) -> Resumption | None:
    """What the node inside goes on with that had suspended the job."""
    if resumption is None:
        return None
    node_id, state = resumption.state
    return Resumption(node_id, state, resumption.value)


def _taken(spec: NodeSpec, name: str, take: Callable[[str, Any], Awaitable[None]]) -> NodeSpec:
    """An output node that hands its values over, at the pace at which they are taken."""

    def bind(properties: Mapping[str, Any], _dynamic: Mapping[str, Any]) -> Bound:
        return _Taken(name, properties.get("value"), take)

    return replace(
        spec, role=Role.NODE, shape=Shape.COROUTINE, bind=bind, plain=None, routes=False, result_checks=None
    )


class _Taken:
    def __init__(self, name: str, own: Any, take: Callable[[str, Any], Awaitable[None]]) -> None:
        self._name = name
        self._own = own
        self._take = take

    def call(self, values: Mapping[str, Any], _context: Any, _reader: Any) -> Coroutine[Any, Any, Any]:
        return self._give(values.get("value", self._own))

    async def _give(self, value: Any) -> Any:
        await self._take(self._name, value)
        return value
