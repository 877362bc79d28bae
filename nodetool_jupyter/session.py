"""Session: the composition root. Settings, store, registry and manager are made here once, at first use.

All front ends call the same few functions: submit, find, jobs.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nodetool_jupyter.adapters import InstalledNodes, installed_first
from nodetool_jupyter.authoring import CELL_NODES
from nodetool_jupyter.authoring.documents import Document
from nodetool_jupyter.authoring.files import load_workflow, to_workflow
from nodetool_jupyter.authoring.options import NAME_LENGTH
from nodetool_jupyter.engine.annotations import describe
from nodetool_jupyter.engine.context import ProcessingContext, Services
from nodetool_jupyter.engine.plan import compile_graph
from nodetool_jupyter.engine.registry import Registry
from nodetool_jupyter.environment import read_secret
from nodetool_jupyter.errors import NodeToolError, OptionError, StrategyUnavailable, WorkflowError
from nodetool_jupyter.job import Job
from nodetool_jupyter.manager import JobExecutionManager
from nodetool_jupyter.model.graph import Graph, Workflow
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.peers import Peer, differ, version_here
from nodetool_jupyter.model.request import Origin, ResourceLimits, RunJobRequest
from nodetool_jupyter.nodes import FAMILIES
from nodetool_jupyter.nodes.origins import package_of
from nodetool_jupyter.nodes.references import read_uri
from nodetool_jupyter.settings import Settings, load_settings
from nodetool_jupyter.store import open_store
from nodetool_jupyter.store.base import Store
from nodetool_jupyter.store.pruning import Bounds, Pruned, prune
from nodetool_jupyter.store.sqlite import DATABASE
from nodetool_jupyter.strategies.base import Strategy
from nodetool_jupyter.strategies.registry import load_strategy
from nodetool_jupyter.values.base import is_unicode

Source = Workflow | Graph | Mapping[str, Any] | str | os.PathLike[str]
AT_EXIT_SECONDS = 2.0
"""What running jobs get at the kernel's end; Jupyter's own patience is 2.5 s."""


class Session:
    """One process's way to run jobs. ``close`` ends its jobs; a closed session is not used again."""

    def __init__(self, settings: Settings, store: Store | None = None, *, is_server: bool = False) -> None:
        self.settings = settings
        self.store = store or open_store(settings)
        families = installed_first(FAMILIES) if settings.prefer_installed_nodes else FAMILIES
        self.registry = Registry({**families, **CELL_NODES}, package_of, InstalledNodes())
        self.manager = JobExecutionManager(settings, self.store, self.registry, self._make_strategy)
        with suppress(OSError):  # a disk that is full keeps nobody from reading jobs
            self.manager.owner.introduce(Peer(version=version_here(), is_server=is_server))
        self.manager.recover_jobs()

    def peers(self) -> list[Peer]:
        """The other processes that share the store, with their versions."""
        return self.store.peers(self.manager.owner.id)

    def server_mismatch(self) -> str | None:
        """Why a Jupyter server that shares the store and this process don't fit together."""
        here = version_here()
        for peer in self.peers():
            if peer.is_server and differ(peer.version, here):
                return (
                    f"nodetool_jupyter is {here} here and {peer.version} in the Jupyter server: "
                    "restart the older one, and reload its pages"
                )
        return None

    def _make_strategy(self, name: str) -> Strategy:
        strategy = load_strategy(name)
        return strategy.from_settings(self.settings)

    def submit(
        self,
        source: Source,
        params: Mapping[str, Any] | None = None,
        *,
        strategy: str | None = None,
        name: str | None = None,
        limits: ResourceLimits | None = None,
        options: Mapping[str, Any] | None = None,
        user_id: str = "",
        origin: Origin | None = None,
    ) -> Job:
        """Start a workflow, graph, dict or workflow file at once; see JobExecutionManager.start_job."""
        workflow = as_workflow(source)
        _check_arguments(params, strategy, name)
        request = RunJobRequest(
            graph=workflow.graph,
            params=dict(params or {}),
            execution_strategy=strategy or self.settings.strategy,
            resource_limits=limits or ResourceLimits(),
            workflow_id=workflow.id,
            name=name if name is not None else workflow.name,
            user_id=user_id,
            origin=origin,
            options=dict(options or {}),
        )
        return self.submit_request(request)

    def submit_request(self, request: RunJobRequest, *, resume: str | None = None) -> Job:
        """Start a request; returns at once. ``resume`` names a job from whose results it goes on, as far as
        its nodes are the same.
        """
        resumed = None if resume is None else self.manager.past.resumable(self.store.find(resume))
        managed = self.manager.submit(request, _context(), resumed=resumed)
        return Job(self.manager, managed.record, managed)

    def retry(self, ref: str, *, resume: bool = False, user_id: str = "") -> Job:
        """Run a job again as a new one, with ``resume`` from the results that it has left; one that is
        suspended goes on itself then. Raises JobNotFound, or NodeToolError where what it ran is not known
        any more.
        """
        record = self.store.find(ref, user_id)
        if resume and record.status is JobStatus.SUSPENDED:
            job = self.find(record.id, user_id=user_id)
            job.resume()
            return job
        if not record.status.is_terminal:
            raise NodeToolError(
                f"job {record.id} is {record.status.value} still", hint="wait for its end, or cancel it"
            )
        resumed = self.manager.past.resumable(record) if resume else None
        again = self.manager.again(record)
        registry = again.registry(self.registry)
        managed = self.manager.submit(again.request, _context(), registry=registry, resumed=resumed)
        return Job(self.manager, managed.record, managed)

    def prune(self, bounds: Bounds, *, dry_run: bool = False) -> Pruned:
        """Remove what is beyond the bounds of jobs that have ended, with its files."""
        return prune(self.store, bounds, dry_run=dry_run)

    def prune_cache(self, *, dry_run: bool = False) -> tuple[int, int]:
        """Remove the results that jobs share; gives how many there were, and their bytes."""
        return self.manager.results.clear(dry_run=dry_run)

    def remove_leftovers(self, *, dry_run: bool = False) -> list[str]:
        """Remove what jobs of killed kernels have left outside of the store, such as containers; gives a
        phrase for each.
        """
        return self.manager.strategies.remove_leftovers(dry_run=dry_run)

    def check(self, request: RunJobRequest) -> None:
        """All that is checked before a job starts; raises what ``submit_request`` would raise."""
        strategy = self._make_strategy(request.strategy)
        try:
            fingerprint = strategy.fingerprint()
            if not fingerprint.available:
                message = f"the {request.strategy} strategy is not available here: {fingerprint.sentence}"
                raise StrategyUnavailable(message)
            strategy.check(request)
            plan = compile_graph(request.graph, self.registry, request.params)
            strategy.check_plan(plan, request, self.settings.gpu_devices)
        finally:
            strategy.close(0)

    def find(self, ref: str, *, user_id: str = "") -> Job:
        """The job that a user means by an id, a unique prefix, a name or ``last``; raises JobNotFound."""
        record = self.store.find(ref, user_id)
        return Job(self.manager, record, self.manager.get_job(record.id))

    def jobs(
        self, *, limit: int = 50, before: str | None = None, statuses: Collection[JobStatus] | None = None
    ) -> list[JobRecord]:
        """Records of jobs, newest first; ``before`` is the id of the last one of the page before."""
        return self.store.page(limit=limit, before=before, statuses=statuses)

    def close(self) -> None:
        """End this process's jobs and let go of the store."""
        self.manager.shutdown(AT_EXIT_SECONDS)


def _context() -> ProcessingContext:
    return ProcessingContext(workspace=Path.cwd(), services=Services(secret=_secret, read_uri=read_uri))


def _secret(name: str) -> str:
    value = read_secret(name)
    if value is None:
        raise NodeToolError(
            f"there is no secret {name!r}", hint=f"set the environment variable {name} and restart the kernel"
        )
    return value


def as_workflow(source: Source) -> Workflow:
    """A workflow from what users hand in; raises WorkflowError or InvalidGraph."""
    if isinstance(source, Workflow):
        return source
    if isinstance(source, Graph):
        return Workflow(graph=source)
    if isinstance(source, Mapping):
        return to_workflow(Document(dict(source)))
    if isinstance(source, (str, os.PathLike)):
        return load_workflow(Path(source))
    raise WorkflowError(
        f"a workflow can't be made of {type(source).__name__}",
        hint="give a Workflow, a Graph, a dict or a file's path",
    )


def _check_arguments(params: Any, strategy: Any, name: Any) -> None:
    """Raise OptionError for what no run can be asked for; the values are judged where they are used."""
    if not (params is None or isinstance(params, Mapping)):
        raise OptionError(f"params are a dict of names and values, found {describe(params)}")
    for key in params or ():
        if not isinstance(key, str):
            raise OptionError(f"params are named by texts, found {describe(key)}")
    if not (strategy is None or isinstance(strategy, str)):
        raise OptionError(f"strategy is a name, such as 'threaded', found {describe(strategy)}")
    if name is not None and not (isinstance(name, str) and len(name) <= NAME_LENGTH and is_unicode(name)):
        raise OptionError(f"name is a text of at most {NAME_LENGTH} characters, found {describe(name)}")


_session: Session | None = None
_lock = threading.Lock()


def get_session(*, is_server: bool = False) -> Session:
    """This process's session, made at first use and closed at exit."""
    global _session
    with _lock:
        if _session is None:
            _session = Session(load_settings(), is_server=is_server)
            atexit.register(close_session)
        return _session


def adopt_left_jobs(*, is_server: bool = False) -> None:
    """Take over jobs whose kernel has gone, if there may be any: a session is only opened where there is a
    store. Raises SettingsError, StoreError.
    """
    settings = load_settings()
    if settings.env != "test" and settings.store == "sqlite" and (settings.home / DATABASE).exists():
        get_session(is_server=is_server).manager.recover_jobs()


def close_session() -> None:
    """Close this process's session, if there is one; the next use makes a new one."""
    global _session
    with _lock:
        session, _session = _session, None
    if session is not None:
        session.close()


def read_limits(wanted: Mapping[str, Any]) -> ResourceLimits:
    """Limits as users write them; raises OptionError."""
    from pydantic import ValidationError

    try:
        return ResourceLimits(**wanted)
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].removeprefix("Value error, ")
        raise OptionError(f"{first['loc'][0]}: {reason}, found {describe(first['input'])}") from None
