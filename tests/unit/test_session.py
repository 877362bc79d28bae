"""The session: one per process, made at first use; what users hand in becomes a request."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.function import node
from nodetool_jupyter.errors import (
    InvalidGraph,
    JobFailed,
    JobTimedOut,
    NodeError,
    NodeToolError,
    OptionError,
    SettingsError,
    UnknownStrategy,
    UnsupportedLimit,
    WorkflowError,
)
from nodetool_jupyter.model.graph import Graph, Workflow
from nodetool_jupyter.model.job import JobRecord, JobStatus
from nodetool_jupyter.model.request import RunJobRequest
from nodetool_jupyter.session import Session, as_workflow, close_session, get_session
from nodetool_jupyter.settings import Settings
from nodetool_jupyter.store import new_job_id, open_store
from nodetool_jupyter.widgets.here import run, submit

HELLO: dict[str, Any] = {
    "id": "w1",
    "name": "hello",
    "graph": {
        "nodes": [
            {"id": "who", "type": "nodetool.input.StringInput", "data": {"name": "who", "value": "you"}},
            {"id": "text", "type": "nodetool.text.Concat", "data": {"a": "hello "}},
            {"id": "out", "type": "nodetool.output.Output", "data": {"name": "greeting"}},
        ],
        "edges": [
            {"source": "who", "sourceHandle": "output", "target": "text", "targetHandle": "b"},
            {"source": "text", "sourceHandle": "output", "target": "out", "targetHandle": "value"},
        ],
    },
}
BARE = HELLO["graph"]


def of_node(function: Any, **data: Any) -> dict[str, Any]:
    """A graph of one node and its output."""
    get_session().registry.add(function.spec)
    return {
        "nodes": [
            {"id": "a", "type": function.spec.type, "data": data},
            {"id": "o", "type": "nodetool.output.Output", "data": {"name": "r"}},
        ],
        "edges": [{"source": "a", "target": "o", "targetHandle": "value"}],
    }


class TestSources:
    """What may be run."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "hello.json"
        path.write_text(json.dumps(HELLO), "utf-8")
        return path

    def test_each_kind(self, file: Path) -> None:
        """A Workflow, a Graph, a dict of either, a file by path or name."""
        workflow = Workflow.model_validate(HELLO)
        for source in (workflow, workflow.graph, HELLO, BARE, file, str(file)):
            assert run(source, {"who": "Ada"}).result() == "hello Ada"

    def test_workflow_s_name_and_id_are_the_job_s(self) -> None:
        """Unless it is given another name."""
        job = run(HELLO)
        assert (job.name, job.record.workflow_id) == ("hello", "w1")
        assert run(HELLO, name="mine").name == "mine"
        assert run(BARE).name == ""

    @pytest.mark.parametrize("source", [5, None, ["nodes"], object()])
    def test_what_is_no_workflow(self, source: Any) -> None:
        """The error says what is."""
        with pytest.raises(WorkflowError, match="a workflow can't be made of"):
            as_workflow(source)

    def test_missing_file(self, tmp_path: Path) -> None:
        """By name."""
        with pytest.raises(NodeToolError, match=r"gone\.json"):
            run(tmp_path / "gone.json")

    def test_dict_that_is_no_workflow(self) -> None:
        """Its problem is said, not a traceback of pydantic."""
        with pytest.raises(WorkflowError):
            run({"nodes": [{"id": 5}]})


class TestOptions:
    """Limits, name and strategy as keywords."""

    def test_limits_by_their_names(self) -> None:
        """Those of ResourceLimits, in its notation."""

        @node
        async def waits() -> None:
            await asyncio.Event().wait()

        with pytest.raises(JobTimedOut):
            run(of_node(waits), timeout=0.1)
        with pytest.raises(UnsupportedLimit, match="can't limit memory"):
            submit(HELLO, memory="512m")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"timeout": -1}, "timeout: Input should be greater than 0, found int -1"),
            ({"timeout": "soon"}, "timeout: .* found str 'soon'"),
            ({"memory": "much"}, "memory: .* found str 'much'"),
            ({"colour": "red"}, "the threaded strategy has no option 'colour'"),
        ],
    )
    def test_wrong_options(self, options: dict[str, Any], message: str) -> None:
        """Refused before anything runs."""
        with pytest.raises(OptionError, match=message):
            submit(HELLO, **options)
        assert get_session().jobs() == []

    def test_unknown_strategy(self) -> None:
        """With a guess."""
        with pytest.raises(UnknownStrategy) as caught:
            submit(HELLO, strategy="thraeded")
        assert "did you mean threaded?" in (caught.value.hint or "")

    def test_wrong_params(self) -> None:
        """Unknown ones and those of another type."""
        with pytest.raises(InvalidGraph, match="did you mean 'who'"):
            run(HELLO, {"whom": "x"})
        with pytest.raises(InvalidGraph, match="param 'who': expected str, found int 5"):
            run(HELLO, {"who": 5})


class TestRun:
    """submit and wait."""

    def test_it_gives_the_completed_job(self) -> None:
        """With result and outputs in NodeTool's shape."""
        job = run(HELLO)
        assert (job.status, job.result(), job.outputs) == (
            JobStatus.COMPLETED,
            "hello you",
            {"greeting": ["hello you"]},
        )

    def test_it_raises_what_went_wrong(self) -> None:
        """The node's error."""

        @node
        async def fails() -> None:
            raise ValueError("on purpose")

        with pytest.raises(NodeError, match="ValueError: on purpose"):
            run(of_node(fails))

    @pytest.mark.only_on("linux")
    def test_an_interrupt_cancels_the_job(self) -> None:
        """Like the stop button: KeyboardInterrupt ends the wait, and the job has been cancelled by then."""
        begun = threading.Event()

        @node
        def waits() -> None:
            begun.set()
            while True:
                threading.Event().wait(0.005)

        graph = of_node(waits)
        main = threading.main_thread().ident
        assert main is not None

        def interrupt() -> None:
            begun.wait(20)
            signal.pthread_kill(main, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            run(graph)
        thread.join()
        assert get_session().find("last").status is JobStatus.CANCELLED


class TestServices:
    """What nodes get from their session."""

    def test_secrets_come_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """By name; one that isn't set is an error that says how to set it."""

        @node
        async def reads(name: str, context: ProcessingContext) -> str:
            return context.secret(name)

        monkeypatch.setenv("MY_KEY", "abc")
        assert run(of_node(reads, name="MY_KEY")).result() == "abc"
        with pytest.raises(NodeError, match="there is no secret 'NO_KEY'") as caught:
            run(of_node(reads, name="NO_KEY"))
        assert "NO_KEY" in (caught.value.hint or "")

    def test_surroundings(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The job's id and the folder of the notebook."""
        monkeypatch.chdir(tmp_path)

        @node
        async def looks(context: ProcessingContext) -> list[str]:
            return [context.job_id, str(context.workspace), context.node_id]

        job = run(of_node(looks))
        assert job.result() == [job.id, str(tmp_path), "a"]


class TestSession:
    """The one session of a process."""

    def test_there_is_one(self) -> None:
        """Whoever asks first makes it, also if many ask at once."""
        start = threading.Barrier(8)
        found: list[Session] = []

        def get() -> None:
            start.wait()
            found.append(get_session())

        threads = [threading.Thread(target=get) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(session) for session in found}) == 1

    def test_after_closing_the_next_use_makes_a_new_one(self) -> None:
        """With the jobs of the old one."""
        job_id = run(HELLO).id
        old = get_session()
        close_session()
        close_session()
        assert get_session() is not old
        assert get_session().find(job_id).result() == "hello you"

    def test_a_setting_that_cannot_be_read_is_said_and_can_be_mended(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No half made session stays behind."""
        monkeypatch.setenv("THREAD_POOL_SIZE", "many")
        with pytest.raises(SettingsError, match="THREAD_POOL_SIZE"):
            get_session()
        monkeypatch.setenv("THREAD_POOL_SIZE", "2")
        assert run(HELLO).result() == "hello you"

    def test_jobs_are_listed_newest_first(self) -> None:
        """In pages, by status."""
        ids = [run(HELLO, name=f"job {number}").id for number in range(5)]
        with pytest.raises(InvalidGraph):
            run(HELLO, {"nobody": 1})
        session = get_session()
        assert [record.id for record in session.jobs()] == ids[::-1]
        first = session.jobs(limit=2)
        assert [record.id for record in session.jobs(limit=2, before=first[-1].id)] == ids[2:0:-1]
        assert session.jobs(statuses=[JobStatus.FAILED]) == []
        assert session.find("job 3").id == ids[3]

    def test_memory_store(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        """With ENV=test nothing is written."""
        monkeypatch.setenv("ENV", "test")
        assert run(HELLO).result() == "hello you"
        assert not home.exists()

    def test_one_job_that_cannot_be_recovered_is_no_obstacle(self, home: Path) -> None:
        """A session is made all the same, with a warning; the others are recovered."""
        store = open_store(Settings(home=home))
        owner = store.register_owner()
        ids = []
        for _ in range(2):
            record, request = lost(owner.id)
            store.add(record, request)
            ids.append(record.id)
        (store.run_directory(ids[0]) / "events.jsonl").mkdir(parents=True)
        owner.close()
        store.close()
        with pytest.warns(UserWarning, match=f"job {ids[0]} can't be recovered"):
            session = get_session()
        assert session.find(ids[1]).status is JobStatus.FAILED
        with pytest.raises(JobFailed):
            session.find(ids[1]).result()

    def test_the_end_of_the_process_closes_it(self, home: Path) -> None:
        """A script that ends while jobs run leaves them recorded as ended."""
        script = """
import json, sys, threading
from nodetool_jupyter import node
from nodetool_jupyter.session import get_session
from nodetool_jupyter.widgets.here import submit
@node
def waits():
    print("on")
    while True:
        threading.Event().wait(0.005)
get_session().registry.add(waits.spec)
job = submit({"nodes": [{"id": "a", "type": waits.spec.type}], "edges": []})
next(event for event in job.events() if event.type == "log_update")
print(job.id)
"""
        ran = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, env={**os.environ}
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        job = get_session().find(ran.stdout.strip())
        assert job.status is JobStatus.FAILED
        with pytest.raises(JobFailed, match="the kernel that ran this job has ended"):
            job.result()


def lost(owner: str) -> tuple[JobRecord, RunJobRequest]:
    """A running job of an owner, and its request."""
    record = JobRecord(id=new_job_id(), status=JobStatus.RUNNING, owner=owner, created_at=1.0)
    return record, RunJobRequest(graph=Graph())


class TestArguments:
    """What is wrong in a call is said in a sentence, before anything runs."""

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ({"params": 5}, "params are a dict of names and values, found int 5"),
            ({"params": [("who", "x")]}, "params are a dict of names and values, found list"),
            ({"params": "who=x"}, "params are a dict of names and values, found str 'who=x'"),
            ({"params": {1: 2}}, "params are named by texts, found int 1"),
            ({"strategy": 5}, "strategy is a name, such as 'threaded', found int 5"),
            ({"strategy": ["threaded"]}, "strategy is a name, such as 'threaded', found list"),
            ({"name": 5}, "name is a text of at most 200 characters, found int 5"),
            ({"name": "x" * 201}, "name is a text of at most 200 characters, found str"),
            ({"name": "\ud800"}, "name is a text of at most 200 characters, found str"),
            ({"timeout": "x"}, "timeout: Input should be a valid number, .*found str 'x'"),
            ({"cpus": 10**5000}, "cpus: .*found int$"),
            ({"memory": "lots"}, "memory: 'lots' is not a size; .*found str 'lots'"),
        ],
    )
    def test_wrong_ones(self, arguments: dict[str, Any], sentence: str) -> None:
        """Each is an OptionError that names argument, what is accepted and what was found."""
        for start in (submit, run):
            with pytest.raises(OptionError, match=sentence):
                start(HELLO, **arguments)

    def test_hostile_values_are_not_shown(self) -> None:
        """What can't be printed is named by its type."""

        class Hostile:
            def __repr__(self) -> str:
                raise RuntimeError

        with pytest.raises(OptionError, match=r"timeout: .*found Hostile"):
            submit(HELLO, timeout=Hostile())

    @pytest.mark.parametrize("source", [None, 5, b"hello.json", ["hello.json"], {"a"}])
    def test_wrong_sources(self, source: Any) -> None:
        """What is no workflow is none, whatever its type."""
        with pytest.raises(WorkflowError, match="a workflow can't be made of"):
            submit(source)

    @pytest.mark.parametrize("timeout", ["5", -1, float("nan"), [], True])
    def test_wrong_times_to_wait(self, timeout: Any) -> None:
        """``Job.result`` and ``Job.wait`` alike."""
        job = run(HELLO)
        with pytest.raises(OptionError, match="timeout is a number of seconds from 0 on, or None; found"):
            job.result(timeout)
        with pytest.raises(OptionError, match="timeout is a number of seconds from 0 on, or None; found"):
            job.wait(timeout)

    def test_times_without_end(self) -> None:
        """More than a lock can wait is as long as it can."""
        for timeout in (float("inf"), 10**400):
            assert submit(HELLO).result(timeout) == "hello you"
