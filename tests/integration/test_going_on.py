"""Cells and commands of jobs that wait for their user: suspended ones, and ones that are fed."""

from __future__ import annotations

import re

import pytest

from nodetool_jupyter.errors import JobSuspended, OptionError
from tests.unit.magics.shells import Shell

ASKS = """
from nodetool_jupyter import ProcessingContext, node

@node
async def asks(text: str, context: ProcessingContext) -> str:
    if context.resumption is None:
        context.suspend("please read it", text)
    return f"{context.resumption.state}{context.resumption.value or '!'}"
"""


class TestGoingOn:
    """Jobs that wait for their user."""

    @pytest.mark.parametrize("strategy", ["threaded", "subprocess"])
    def test_a_suspended_job_is_resumed(self, shell: Shell, strategy: str) -> None:
        """The cell raises, so that "Run all" stops there, and says how to go on."""
        assert shell.run(ASKS).error is None
        ran = shell.run(f"%%nodetool --strategy {strategy} --progress none\nasks(text=shout(text='a'))")
        assert isinstance(ran.error, JobSuspended)
        assert "is suspended: please read it" in str(ran.error)
        assert "%nodetool resume" in str(ran.error)
        assert shell.run("%nodetool resume last").value == "A!"
        assert "suspended" not in shell.run("%nodetool jobs").text

    @pytest.mark.parametrize(
        ("given", "result"),
        [("yes", "ayes"), ("'[1, 2]'", "a[1, 2]"), ("$answer", "a{'b': 3}"), ("12", "a12")],
    )
    def test_a_job_is_resumed_with_a_value(self, shell: Shell, given: str, result: str) -> None:
        shell.run(ASKS)
        shell.run("answer = {'b': 3}")
        shell.run("%%nodetool --progress none\nasks(text='a')")
        for wrong, match in (("'{1'", "can't be read as JSON"), ("$anser", "did you mean .answer")):
            assert re.search(match, str(shell.run(f"%nodetool resume last --value {wrong}").error))
        assert shell.run(f"%nodetool resume last --value {given}").value == result
        assert isinstance(shell.run("%nodetool resume last --value 1").error, OptionError)

    @pytest.mark.parametrize("strategy", ["threaded", "subprocess"])
    def test_a_cell_is_fed_by_the_next_ones(self, shell: Shell, strategy: str) -> None:
        shell.run(f"%%nodetool -b -o job --strategy {strategy}\nshout(text=Input('text', str, stream=True))")
        assert shell.run("job.push_input('text', 'a')").error is None
        assert isinstance(shell.run("job.push_input('text', 5)").error, OptionError)
        assert shell.run("job.push_input('text', 'b'); job.end_input('text')").error is None
        assert shell.run("job.result(20)").value == ["A", "B"]
