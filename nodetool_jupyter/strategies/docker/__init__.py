"""docker: a job runs in a container of its own, locked in by default, and survives the kernel.

``spec`` says what a container is like, ``client`` alone speaks to the engine, ``strategy`` and
``execution`` run jobs, ``reaper`` removes what a crash has left, ``image`` builds what jobs run in.
"""

from nodetool_jupyter.strategies.docker.strategy import DockerStrategy

__all__ = ["DockerStrategy"]
