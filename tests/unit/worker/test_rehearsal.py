"""What is done before there is a job."""

from __future__ import annotations

from nodetool_jupyter.model import events
from nodetool_jupyter.worker.rehearsal import rehearse_supervisor


def test_a_supervisor_can_read_an_end() -> None:
    """Its reader takes its time to make: each job would wait for that at its end."""
    events._adapter_of.cache_clear()
    rehearse_supervisor()
    assert events._adapter_of.cache_info().currsize == 1
