"""Jobs: list, get, submit, cancel, retry, resume, values for one that runs, logs."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from nodetool_jupyter.errors import OptionError
from nodetool_jupyter.model.events import LogUpdate, decode_event
from nodetool_jupyter.model.job import JobStatus
from nodetool_jupyter.server.base import Handler, Refused, executes
from nodetool_jupyter.worker.event_log import EventLog

PAGE = 50
LARGEST_PAGE = 500
FIELDS = {
    "workflow": dict,
    "params": dict,
    "strategy": str,
    "name": str,
    "limits": dict,
    "options": dict,
}
LOG_UPDATE = b'"log_update"'
BLOCK = 256 * 1024
MOST_BLOCKS = 64
"""Of a log that one request reads: with few lines that are printed, the client goes on from ``next``."""


class JobsHandler(Handler):
    """All jobs of a user."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """A page of jobs, newest first."""
        limit = self.number("limit", PAGE, LARGEST_PAGE) or 1
        before = self.get_query_argument("before", None)
        workflow = self.get_query_argument("workflow_id", None)
        page = await self.run(self.backend.page, self.user_id, limit, before, self._statuses(), workflow)
        self.answer(page)

    def _statuses(self) -> set[JobStatus] | None:
        words = self.get_query_argument("status", None)
        if words is None:
            return None
        try:
            return {JobStatus(word) for word in words.split(",")}
        except ValueError as error:
            known = ", ".join(status.value for status in JobStatus)
            raise Refused(OptionError(f"status: {error}", hint=f"there are {known}")) from error

    @web.authenticated
    @executes
    async def post(self) -> None:
        """Submit a workflow."""
        given = self.json_body(FIELDS)
        if "workflow" not in given:
            raise Refused(OptionError("the body lacks the field workflow", hint="openapi.yaml describes it"))
        self.answer(await self.run(self.backend.submit, self.user_id, given), 201)


class JobHandler(Handler):
    """One job."""

    @web.authenticated
    @authorized
    async def get(self, job_id: str) -> None:
        """The job with its params and graph."""
        self.answer(await self.run(self.backend.get, self.user_id, job_id))


class CancelHandler(Handler):
    """The end of a job."""

    @web.authenticated
    @authorized
    async def post(self, job_id: str) -> None:
        """Begin to cancel; harmless after the end."""
        self.json_body({})
        self.answer(await self.run(self.backend.cancel, self.user_id, job_id))


class RetryHandler(Handler):
    """A job once more."""

    @web.authenticated
    @executes
    async def post(self, job_id: str) -> None:
        """Start a new job of what this one ran."""
        self.json_body({})
        self.answer(await self.run(self.backend.retry, self.user_id, job_id), 201)


class ResumeHandler(Handler):
    """Likewise, from the results that it has left; one that is suspended goes on itself."""

    @web.authenticated
    @executes
    async def post(self, job_id: str) -> None:
        """``value`` is what the node that has suspended it waits for."""
        value = self.json_body({"value": object}).get("value")
        self.answer(await self.run(self.backend.resume, self.user_id, job_id, value), 201)


class InputsHandler(Handler):
    """The streaming inputs of a job that runs."""

    @web.authenticated
    @executes
    async def post(self, job_id: str) -> None:
        """Push values to an input, end it, or both."""
        given = self.json_body({"name": str, "values": list, "end": bool})
        await self.run(self.backend.record, self.user_id, job_id)
        if "name" not in given:
            raise Refused(OptionError("the body lacks the field name", hint="it names the streaming input"))
        values, is_end = given.get("values", []), given.get("end", False)
        self.answer(await self.run(self.backend.push, self.user_id, job_id, given["name"], values, is_end))


class LogsHandler(Handler):
    """What a job's nodes have printed and logged."""

    @web.authenticated
    @authorized
    async def get(self, job_id: str) -> None:
        """Log lines from an offset on, some at a time."""
        offset = self.number("offset", 0, 2**50)
        node = self.get_query_argument("node", None)
        self.answer(await self.run(self._read, self.user_id, job_id, offset, node))

    def _read(self, user_id: str, job_id: str, offset: int, node: str | None) -> dict[str, Any]:
        job = self.backend.job(user_id, job_id)
        has_ended = not job.is_live  # asked before the log is read: what comes between is read next time
        logs, following, is_end = _log_lines(job.log, offset, node)
        return {"logs": logs, "next": following, "is_over": has_ended and is_end}


def _log_lines(log: EventLog, offset: int, node: str | None) -> tuple[list[LogUpdate], int, bool]:
    """Some lines of one node or all, the offset to go on from, and whether the log's end was met."""
    found: list[LogUpdate] = []
    for _ in range(MOST_BLOCKS):
        lines, offset = log.read(offset, limit=BLOCK)
        events = (decode_event(line) for line in lines if LOG_UPDATE in line)
        logs = (event for event in events if isinstance(event, LogUpdate))
        found += [event for event in logs if node is None or node == event.node_id]
        if found or not lines:
            return found, offset, not lines
    return found, offset, False
