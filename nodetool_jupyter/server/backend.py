"""What handlers do off the loop, in a few threads: the session, the jobs of one user, adoption.

No method here gives a job of another user, or says that there is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic_core import from_json

from nodetool_jupyter.errors import NodeToolError, OptionError, UnsupportedLimit
from nodetool_jupyter.job import Job
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.server.sharing import closed_because
from nodetool_jupyter.session import Session, adopt_left_jobs, close_session, get_session, read_limits
from nodetool_jupyter.settings import Settings, load_settings
from nodetool_jupyter.store.base import Store, checked_id, not_found
from nodetool_jupyter.strategies.registry import load_strategy
from nodetool_jupyter.worker.folder import ORDER

T = TypeVar("T")

THREADS = 8
MOST_STREAMS = 64
LOOK = 5.0
"""Seconds between two looks for jobs whose kernel has gone."""
DEFAULT_STRATEGY = "subprocess"
HIDDEN = {"owner", "ticket", "user_id"}
"""Fields of a record that are of use to managers alone."""
PICKLE = b'"pickle"'


class NotThere(NodeToolError):
    """What was asked for is not there, or not this user's."""


class Backend:
    """One for each server. ``run`` is for the loop, everything that blocks is called through it."""

    def __init__(self, serverapp: Any) -> None:
        self.serverapp = serverapp
        self._settings: Settings | None = None
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="nodetool-server")
        self._streams: set[asyncio.Event] = set()
        self._is_stopped = False

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """``work(*args)`` in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, partial(work, *args))

    def closed_because(self) -> str | None:
        """Why nothing is answered here; raises SettingsError."""
        if self._settings is None:
            self._settings = load_settings()
        return closed_because(self._settings, self.serverapp)

    @property
    def session(self) -> Session:
        """This process's session, made at first use."""
        return get_session(is_server=True)

    @property
    def store(self) -> Store:
        """Where all jobs are."""
        return self.session.store

    @contextmanager
    def streaming(self, stop: asyncio.Event) -> Iterator[None]:
        """Count a stream; ``stop`` is set when the server ends. Raises NodeToolError where there are many."""
        if len(self._streams) >= MOST_STREAMS:
            raise NodeToolError(f"{MOST_STREAMS} streams are open already", hint="close a page that has one")
        self._streams.add(stop)
        try:
            yield
        finally:
            self._streams.discard(stop)

    def adopt_repeatedly(self) -> None:
        """Take over jobs whose kernel has gone, now and every few seconds."""
        self.serverapp.io_loop.add_callback(self._adopt)

    async def _adopt(self) -> None:
        if self._is_stopped:
            return
        try:
            await self.run(partial(adopt_left_jobs, is_server=True))
        except NodeToolError as error:
            self.serverapp.log.warning("nodetool_jupyter can't look for left jobs: %s", error)
        if not self._is_stopped:
            self.serverapp.io_loop.call_later(LOOK, self._adopt)

    async def stop(self) -> None:
        """End streams and threads, and close the session."""
        self._is_stopped = True
        for stop in self._streams:
            stop.set()
        await self.run(close_session)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def record(self, user_id: str, job_id: str) -> JobRecord:
        """A job of this user by its full id; raises JobNotFound for any other."""
        record = self.store.get(checked_id(job_id))
        if record.user_id != user_id:
            raise not_found(job_id)
        return record

    def page(
        self,
        user_id: str,
        limit: int,
        before: str | None,
        statuses: Collection[JobStatus] | None,
        workflow: str | None,
    ) -> dict[str, Any]:
        """Jobs, newest first, and the id from which the next page goes on."""
        if before is not None:
            self.record(user_id, before)
        records = self.store.page(
            limit=limit, before=before, statuses=statuses, user_id=user_id, workflow_id=workflow
        )
        following = records[-1].id if len(records) == limit else None
        return {"jobs": [self.shown(record) for record in records], "next": following}

    def get(self, user_id: str, job_id: str) -> dict[str, Any]:
        """A job with its params and its graph."""
        record = self.record(user_id, job_id)
        if not (record.status.is_terminal or self.store.owner_is_alive(record.owner)):
            self.session.manager.recover_jobs()
            record = self.record(user_id, job_id)
        graph = self.store.request(job_id).graph
        return {**self.shown(record), "params": record.params, "graph": graph.model_dump()}

    def shown(self, record: JobRecord) -> dict[str, Any]:
        """A record as clients of this server see it."""
        return shown(record, Path(self.serverapp.root_dir))

    def submit(self, user_id: str, given: dict[str, Any]) -> dict[str, Any]:
        """Start a job of what a client has sent: data, and never code of a notebook."""
        strategy = given.get("strategy", DEFAULT_STRATEGY)
        check_strategy(strategy)
        options = given.get("options", {})
        if "trust" in options:
            raise OptionError(
                "trust can't be given here", hint="whoever reads the values says it: a notebook"
            )
        limits = read_limits(given.get("limits", {}))
        job = self.session.submit(
            given["workflow"],
            given.get("params"),
            strategy=strategy,
            name=given.get("name"),
            limits=limits,
            options=options,
            user_id=user_id,
        )
        return self.shown(job.record)

    def cancel(self, user_id: str, job_id: str) -> dict[str, Any]:
        """Begin to cancel a job, whichever process looks after it."""
        self.record(user_id, job_id)
        is_cancelling = self.session.manager.cancel_job(job_id)
        return {"cancelling": is_cancelling, "job": self.shown(self.record(user_id, job_id))}

    def retry(self, user_id: str, job_id: str) -> dict[str, Any]:
        """Run a job again as a new one; one whose code is a notebook's only there."""
        self._check_runs_here(user_id, job_id)
        return self.shown(self.session.retry(job_id, user_id=user_id).record)

    def resume(self, user_id: str, job_id: str, value: Any) -> dict[str, Any]:
        """Likewise, from the results that are kept; a suspended job goes on itself, with a value."""
        record = self._check_runs_here(user_id, job_id)
        if record.status is JobStatus.SUSPENDED:
            self.session.find(job_id, user_id=user_id).resume(value)
            return self.shown(self.record(user_id, job_id))
        if value is not None:
            raise OptionError(
                f"job {job_id} is {record.status.value}, not suspended: no node of it waits for a value",
                hint="resume it without one",
            )
        return self.shown(self.session.retry(job_id, resume=True, user_id=user_id).record)

    def push(self, user_id: str, job_id: str, name: str, values: list[Any], is_end: bool) -> dict[str, Any]:
        """Push values to a streaming input of a job that this server looks after. ``taken`` are those that
        found room: a request never waits for a job's nodes.
        """
        if self.record(user_id, job_id).owner == self.session.manager.owner.id:
            self._check_runs_here(user_id, job_id)
        job = self.session.find(job_id, user_id=user_id)
        taken = 0
        with suppress(TimeoutError):
            for value in values:
                job.push_input(name, value, timeout=0)
                taken += 1
            if is_end:
                job.end_input(name)
        return {"taken": taken, "ended": is_end and taken == len(values)}

    def _check_runs_here(self, user_id: str, job_id: str) -> JobRecord:
        record = self.record(user_id, job_id)
        check_strategy(record.strategy)
        if not self._was_planned_here(job_id):
            self._check_is_data(record)
        return record

    def _was_planned_here(self, job_id: str) -> bool:
        """Whether a job came to this server as data; one that was taken over from a kernel did not."""
        managed = self.session.manager.get_job(job_id)
        execution = managed.execution if managed is not None else None
        return execution is not None and execution.launch.plan is not None

    def _check_is_data(self, record: JobRecord) -> None:
        """No pickle is read in the server: it outlives every kernel, and has other users' jobs too."""
        try:
            order = (self.store.run_directory(record.id) / ORDER).read_bytes()
        except OSError as error:
            raise NodeToolError(
                f"what job {record.id} was asked to run can't be read: {error.strerror}",
                hint="submit it anew",
            ) from error
        if PICKLE in order or from_json(order).get("code") is not None:
            raise NodeToolError(
                f"job {record.id} runs code or objects of a notebook, which this server doesn't load",
                hint=f"in the notebook: %nodetool retry {record.id}",
            )
        # Without its ticket no order is loaded, only what the store has: previews of objects are found there.
        is_suspended = record.status is JobStatus.SUSPENDED
        self.session.manager.again(record.model_copy(update={"ticket": None}), is_suspended=is_suspended)

    def job(self, user_id: str, job_id: str) -> Job:
        """A job's handle, for its log."""
        self.record(user_id, job_id)
        return self.session.find(job_id, user_id=user_id)


def check_strategy(name: str) -> None:
    """Refuse strategies whose jobs live and die with the process that has them."""
    if not load_strategy(name).capabilities.survives_kernel:
        raise UnsupportedLimit(
            f"the {name} strategy runs jobs in a notebook's kernel, and a server has none",
            hint=f"choose subprocess or docker; in a notebook, {name} is there",
        )


def shown(record: JobRecord, root: Path) -> dict[str, Any]:
    """A record as clients see it, without its params; its notebook as a path under the server's ``root``, if
    that is where it lies.
    """
    found = record.model_dump(mode="json", exclude=HIDDEN | {"params"})
    if record.origin is not None:
        path = Path(record.origin.notebook)
        is_here = path.is_relative_to(root) and ".." not in path.parts
        found["origin"] = (
            {**found["origin"], "notebook": path.relative_to(root).as_posix()} if is_here else None
        )
    return found
