"""JobExecutionManager: the only room that sees strategies and store together.

``jobs`` starts and ends them, ``managed`` keeps one in step with its record, ``slots`` says whose turn it is,
``recovery`` takes over what other processes have left, and ``door`` lets other processes ask for an end;
``inputs`` takes what is pushed to a running job.
"""

from nodetool_jupyter.manager.inputs import JobInputs
from nodetool_jupyter.manager.jobs import JobExecutionManager
from nodetool_jupyter.manager.managed import ManagedJob

__all__ = ["JobExecutionManager", "JobInputs", "ManagedJob"]
