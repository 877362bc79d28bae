"""The command line as a shell has it: what it prints where, how it ends, and what others may do meanwhile."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.integration.command_line import DEADLINE, called, in_terminal, program, started, workflow
from tests.support import wait_until

STRATEGIES = ("threaded", "subprocess")
JOB_ID = re.compile(r"[0-9a-f]{26}\n")
STUCK = 25
"""Seconds, fewer than a stuck node takes."""
HANG = "waits_for(path='nowhere')"


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def jobs() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(called("jobs", "--json").stdout)
    return found


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_result_is_all_there_is_on_standard_output(tmp_path: Path, strategy: str) -> None:
    """So that it can be piped on; progress is on standard error."""
    path = workflow(tmp_path, "shout(text=Input('name', str))")
    ran = program("run", path, "-s", strategy, "-p", "name=$ada")
    assert (ran.returncode, ran.stdout) == (0, "$ADA\n")
    assert "✓ shout_1" in ran.stderr
    assert f"✓ flow: completed, 3 nodes ({strategy})" in ran.stderr


def test_a_terminal_shows_one_line_that_is_rewritten(tmp_path: Path) -> None:
    """And the end state in its place; the result is left to standard output."""
    shown, result = in_terminal("run", workflow(tmp_path, "counts(end=50_000)"))
    line = "\r\x1b[K"
    assert shown.count(line) > 2
    assert shown.rpartition(line)[2].startswith("✓ flow: completed, 2 nodes (threaded)")
    assert "result =" not in shown
    assert len(json.loads(result)) == 50_000


def test_several_outputs_are_an_object(tmp_path: Path) -> None:
    """By their names."""
    path = workflow(tmp_path, "output(a=shout(text='x'), b=counts(end=3))")
    assert json.loads(program("run", path, "--progress", "none").stdout) == {"a": "X", "b": [0, 1, 2]}


@pytest.mark.parametrize(
    ("body", "words", "code", "sentence"),
    [
        ("shout(text='x')", (), 0, "completed"),
        ("fail(text='x')", (), 1, "no x"),
        ("fail(text='x')", ("--progress", "none"), 1, "no x"),
        ("asks()", (), 1, "is suspended: may it?"),
        ("is_stuck()", ("--timeout", "0.1", "-s", "subprocess"), 1, "0.1 s"),
        ("shout(text='x')", ("--memroy", "1g"), 2, "did you mean --memory?"),
        ("shout(text='x')", ("--memory", "1g"), 2, "leave --memory out"),
        ("shout(text='x')", ("-s", "thraeded"), 2, "threaded"),
        ("shout(txt='x')", (), 2, "line "),
        ("shout(text='x')", ("-b",), 2, "ends with this process"),
        ("shout(text='x')", ("-o", "y"), 2, "> FILE"),
    ],
)
def test_exit_codes(tmp_path: Path, body: str, words: tuple[str, ...], code: int, sentence: str) -> None:
    """0 completed, 1 failed, 2 nothing has run; a sentence says why."""
    ran = (called if code == 2 else program)("run", workflow(tmp_path, body), *words)
    assert ran.returncode == code, ran.stderr
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr


def test_quiet_shows_nothing_but_errors(tmp_path: Path) -> None:
    """Neither progress nor result."""
    quiet = program("run", workflow(tmp_path, "shout(text='x')"), "--quiet")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    assert "no x" in program("run", workflow(tmp_path, "fail(text='x')"), "--quiet").stderr


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_stream_has_every_message_once(tmp_path: Path, strategy: str) -> None:
    """Numbered from 1 on without a gap, the end last; nothing else is on standard output."""
    ran = program("run", workflow(tmp_path, "counts(end=300)"), "-s", strategy, "--jsonl")
    events = events_of(ran.stdout)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["value"] for event in events if event["type"] == "output_update"] == list(range(300))
    assert (events[-1]["type"], events[-1]["status"]) == ("job_update", "completed")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_an_error_leaves_the_stream_alone(tmp_path: Path) -> None:
    """It is on standard error."""
    ran = program("run", workflow(tmp_path, "fail(text='x')"), "--jsonl")
    assert events_of(ran.stdout)[-1]["status"] == "failed"
    assert (ran.returncode, "no x" in ran.stderr) == (1, True)


@pytest.mark.parametrize(
    ("strategy", "number"),
    [("threaded", signal.SIGINT), ("subprocess", signal.SIGINT), ("threaded", signal.SIGTERM)],
)
def test_a_signal_cancels_and_waits(tmp_path: Path, strategy: str, number: signal.Signals) -> None:
    """The messages come while the job runs, and end with that it was cancelled."""
    with started("run", workflow(tmp_path, HANG), "-s", strategy, "--jsonl") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130, errors
    assert events_of(first + rest)[-1]["status"] == "cancelled"
    assert [job["status"] for job in jobs()] == ["cancelled"]


def test_a_second_signal_ends_the_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a node resists: its process ends long before the grace and the node do."""
    monkeypatch.setenv("NODETOOL_CANCEL_GRACE", "300")
    with started("run", workflow(tmp_path, "shout(text='x')\nis_stuck()")) as process:
        assert process.stderr is not None
        while "is_stuck_1  running" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert "is being cancelled" in process.stderr.read()


def test_a_second_signal_kills_a_job_in_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that resists gets none of the grace that it would have had."""
    monkeypatch.setenv("NODETOOL_CANCEL_GRACE", "300")
    source = workflow(tmp_path, "shout(text='x')\nis_stuck()")
    with started("run", source, "-s", "subprocess") as process:
        assert process.stderr is not None
        while "is_stuck_1  running" not in process.stderr.readline():
            pass
        begun = monotonic()
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    wait_until(lambda: [job["status"] for job in jobs()] == ["cancelled"])
    assert monotonic() - begun < STUCK


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    """`run --jsonl | head`: when nobody reads any more the job is cancelled, and nothing is complained of."""
    with started("run", workflow(tmp_path, "counts(end=10**9)"), "--jsonl") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(DEADLINE) == 130
        assert process.stderr.read() == ""


def test_a_table_into_a_closed_pipe_ends_quietly() -> None:
    """`config | true`."""
    with started("config") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(DEADLINE) == 0
        assert process.stderr.read() == ""


def test_a_job_in_the_background_is_adopted(tmp_path: Path) -> None:
    """It goes on without the process that started it; others see it, and its result."""
    gate = tmp_path / "gate"
    path = workflow(tmp_path, f"waits_for(path={str(gate)!r})")
    ran = program("run", path, "-b", "-s", "subprocess", "--name", "behind")
    assert ran.returncode == 0, ran.stderr
    assert JOB_ID.fullmatch(ran.stdout)
    [job] = jobs()
    assert (f"{job['id']}\n", job["name"], job["error"]) == (ran.stdout, "behind", None)
    assert job["status"] in ("starting", "running")
    gate.touch()
    assert called("result", "behind").stdout == "it is there\n"
    assert "status    completed" in called("status", ran.stdout[:20]).stdout


def test_a_job_that_ended_alone_has_its_end_in_the_list(tmp_path: Path) -> None:
    """Though no process was there to see it."""
    program("run", workflow(tmp_path, "shout(text='x')"), "-b", "-s", "subprocess")
    [folder] = (tmp_path / "home").rglob("order.json")
    wait_until((folder.parent / "exit.json").exists, DEADLINE)
    assert [job["status"] for job in jobs()] == ["completed"]


@pytest.mark.usefixtures("home")
def test_a_job_can_t_be_left_in_a_store_that_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would ever find it again."""
    monkeypatch.setenv("NODETOOL_STORE", "memory")
    ran = program("run", workflow(tmp_path, "shout(text='x')"), "-b", "-s", "subprocess")
    assert (ran.returncode, "NODETOOL_STORE=sqlite" in ran.stderr) == (2, True)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_cancel_reaches_the_job_of_another_process(tmp_path: Path, strategy: str) -> None:
    """Which ends as if it had been interrupted."""
    with started("run", workflow(tmp_path, HANG), "-s", strategy, "--jsonl") as process:
        assert process.stdout is not None
        process.stdout.readline()
        ran = program("cancel", "last")
        assert process.wait(DEADLINE) == 130
    assert re.fullmatch(r"job \w+: cancelled\n", ran.stdout)
    again = called("cancel", "last")
    assert (again.returncode, "had ended before: cancelled" in again.stdout) == (0, True)


def test_logs_can_be_followed(tmp_path: Path) -> None:
    """From the first line on, until the job has ended."""
    gate = tmp_path / "gate"
    path = workflow(tmp_path, f"shout(text='x')\nwaits_for(path={str(gate)!r})")
    program("run", path, "-b", "-s", "subprocess")
    with started("logs", "--follow", "--node", "shout_1") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "shout_1 │ shouting x\n"
        gate.touch()
        rest, errors = process.communicate(timeout=DEADLINE)
    assert (process.returncode, rest) == (0, "")
    assert "completed" in errors
    assert called("logs", "last", "--node", "shuot_1").returncode == 2


EVIL = r"\x1b[31mred\x9b1m\u202e\x07"


@pytest.mark.parametrize(
    ("body", "mode"),
    [
        (f'shout(text="{EVIL}")', "--progress=text"),
        (f'shout(text="{EVIL}")', "--jsonl"),
        (f'fail(text="{EVIL}")', "--progress=text"),
        (f'fail(text="{EVIL}")', "--progress=none"),
    ],
)
def test_a_terminal_gets_nothing_to_obey(tmp_path: Path, body: str, mode: str) -> None:
    """Whatever a workflow brings: names, logs, values, errors. JSON has it with escapes."""
    path = workflow(tmp_path, body, "e\x1b[31m.py")
    shown = [program("run", path, mode)]
    shown += [called(command) for command in ("status", "result")]
    text = "".join(ran.stdout + ran.stderr for ran in shown)
    assert "shouting" in text or "no red" in text
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)


def test_a_text_with_control_characters_is_not_changed(tmp_path: Path) -> None:
    """As JSON it loses nothing."""
    ran = program("run", workflow(tmp_path, f'shout(text="{EVIL}")'))
    assert json.loads(ran.stdout) == "\x1b[31MRED\x9b1M\u202e\x07"


def test_a_file_of_json_names_its_lines() -> None:
    """The workflow may come by standard input, too."""
    text = '{"nodes": [\n{"id": "a", "type": "nodetool.text.Concat"},\n{"id": "b", "type": "no.such.Node"}]}'
    ran = program("run", "-", stdin=text)
    assert ran.returncode == 2
    assert "no.such.Node" in ran.stderr
    assert "line 3" in ran.stderr


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_python_finds_the_modules_beside_it(tmp_path: Path, strategy: str) -> None:
    """As a program of Python does."""
    (tmp_path / "beside.py").write_text("WORD = 'near'\n", "utf-8")
    path = workflow(tmp_path, "import beside\nshout(text=beside.WORD)")
    assert program("run", path, "-s", strategy).stdout == "NEAR\n"


def test_a_dry_run_runs_nothing(tmp_path: Path) -> None:
    """It checks all that is checked before a start."""
    ran = program("run", workflow(tmp_path, "shout(text='x')"), "--dry-run")
    assert (ran.returncode, "nothing has run" in ran.stdout) == (0, True)
    assert jobs() == []


def test_the_doctor_s_exit_code_says_whether_something_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """And names it."""
    assert program("doctor").returncode == 0
    monkeypatch.setenv("THREAD_POOL_SIZE", "many")
    ran = called("doctor")
    assert (ran.returncode, "THREAD_POOL_SIZE='many'" in ran.stdout) == (1, True)


def test_the_result_of_a_job_that_failed_is_its_error(tmp_path: Path) -> None:
    """With its exit code."""
    program("run", workflow(tmp_path, "fail(text='x')"))
    ran = called("result")
    assert (ran.returncode, ran.stdout, "no x" in ran.stderr) == (1, "", True)
    [job] = jobs()
    assert (job["error"]["code"], job["error"]["node_id"]) == ("node_error", "fail_1")


def test_nothing_of_a_notebook_is_imported(tmp_path: Path) -> None:
    """IPython and widgets cost half a second, and may not be there."""
    path = workflow(tmp_path, "shout(text='x')")
    code = (
        "import sys; from nodetool_jupyter.cli.main import main; main(sys.argv[1:]); "
        "print({'IPython', 'ipywidgets', 'traitlets'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", code, "run", path]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE)
    assert ran.stdout == "X\nset()\n", ran.stderr
