"""Blocking node functions: in a thread of the pool, or right here where nothing else could run meanwhile.

Cancelling waits for the thread's real end: a node is never called cancelled while its function runs.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import closing, suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from nodetool_jupyter.engine.context import NodeCancelled
from nodetool_jupyter.engine.threads import Interruptible, ThreadPool

if TYPE_CHECKING:
    from nodetool_jupyter.engine.actor import Actor
    from nodetool_jupyter.engine.run import Run

BATCH = 64
POLL = 0.05
INSISTENCE = 4
"""How often within the grace a node is told to stop: in between it may clean up."""


async def call_blocking(actor: Actor, function: Callable[[], Any]) -> Any:
    """The function's value; raises what it raises."""
    run = actor.run
    if run.is_alone() and actor.node.spec.policy.timeout is None:
        return _call_here(run, function)
    return await in_pool(actor, function)


def _call_here(run: Run, function: Callable[[], Any]) -> Any:
    """Call on the loop's own thread, interruptible from outside. The function sees no running loop, as in a
    thread of the pool: it may run one of its own.
    """
    result: list[Any] = []
    context = copy_context()
    loop = asyncio.get_running_loop()
    run.inline = Interruptible(lambda: result.append(context.run(function)))
    try:
        if run.is_cancelling:
            raise NodeCancelled
        asyncio._set_running_loop(None)
        run.inline.run()
    finally:
        asyncio._set_running_loop(loop)
        run.inline = None
    if not result:
        raise NodeCancelled
    return result[0]


async def in_pool(actor: Actor, function: Callable[[], Any]) -> Any:
    """Call in a thread of the pool. When this is cancelled, the thread is interrupted, and awaited until it
    has ended.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Any] = loop.create_future()
    ended.add_done_callback(lambda done: done.cancelled() or done.exception())
    context = copy_context()

    def call() -> None:
        try:
            value, error = context.run(function), None
        except BaseException as raised:  # noqa: BLE001 - it is raised again where the call is awaited
            value, error = None, raised
        _resolve(loop, ended, value, error)

    task = actor.run.pool.submit(call)
    try:
        return await asyncio.shield(ended)
    except _Raised as carried:
        raise carried.error from None
    except asyncio.CancelledError:
        task.interrupt()
        await _until_ended(actor, task, ended)
        raise


async def _until_ended(actor: Actor, task: Interruptible, ended: asyncio.Future[Any]) -> None:
    """Wait for the thread's end, whatever else is cancelled meanwhile; one that goes on is interrupted again,
    as an interrupt that strikes in a finalizer is lost, and given up after the grace.
    """
    loop = asyncio.get_running_loop()
    grace = actor.run.grace
    started = insisted = loop.time()
    while not (task.is_done or ended.done()):
        now = loop.time()
        if now - started > grace:
            actor.run.pool.give_up(task)
            actor.run.stuck.append(actor.id)
            return
        if now - insisted > grace / INSISTENCE:
            insisted = now
            task.interrupt()
        try:
            await asyncio.wait({ended}, timeout=POLL)
        except asyncio.CancelledError:
            continue  # the node is being cancelled already


def _resolve(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], value: Any, error: BaseException | None
) -> None:
    def resolve() -> None:
        if future.done():
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(_carriable(error))

    try:
        loop.call_soon_threadsafe(resolve)
    except RuntimeError:
        return  # the run gave this thread up and its loop has been closed


def _carriable(error: BaseException) -> BaseException:
    """A future can't carry StopIteration, and SystemExit or KeyboardInterrupt in one would end the loop."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return _Raised(error)


class _Raised(Exception):
    """Carries an exception that a future can't."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


async def iterate_blocking(actor: Actor, make: Callable[[], Any]) -> AsyncGenerator[Any, None]:
    """The items of a blocking generator, run in a thread of the pool, a bounded number of items ahead."""
    ahead = _Ahead(asyncio.get_running_loop(), actor.run.pool, make)
    producer = asyncio.ensure_future(_error_of(in_pool(actor, ahead.produce)))
    producer.add_done_callback(lambda _: ahead.arrived.set())
    try:
        while True:
            await ahead.arrived.wait()
            ahead.arrived.clear()
            ended = producer.done()
            while not ahead.items.empty():
                yield ahead.items.get_nowait()
            if ended:
                break
        if (error := await producer) is not None:
            raise error
    finally:
        ahead.stopping = True
        producer.cancel()
        while not producer.done():
            with suppress(asyncio.CancelledError):  # the node is being cancelled already
                await asyncio.wait({producer})


async def _error_of(call: Coroutine[Any, Any, Any]) -> BaseException | None:
    """What a call raises, but for a cancel: SystemExit out of a task would end the loop."""
    try:
        await call
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - it is raised again where the items are taken
        return error
    return None


class _Ahead:
    """The items that a generator's thread has made and the loop has not yet taken."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: ThreadPool, make: Callable[[], Any]) -> None:
        self.items: queue.Queue[Any] = queue.Queue(BATCH)
        self.arrived = asyncio.Event()
        self.stopping = False
        self._loop = loop
        self._pool = pool
        self._make = make

    def produce(self) -> None:
        """Run the generator in this thread, to its end or until nobody wants its items."""
        with closing(self._make()) as items:
            for item in items:
                if not self._put(item):
                    return
                self._loop.call_soon_threadsafe(self.arrived.set)

    def _put(self, item: Any) -> bool:
        """Whether the item was still wanted; while it waits, this thread is not counted: who takes the items
        may need one.
        """
        with suppress(queue.Full):
            self.items.put_nowait(item)
            return True
        with self._pool.waiting():
            while not self.stopping:
                with suppress(queue.Full):
                    self.items.put(item, timeout=POLL)
                    return True
        return False
