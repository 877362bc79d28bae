"""The zygote: a warm parent that has the engine imported and forks a supervisor for each job.

Single-threaded at every fork, and small: it never imports numpy, pandas or anything of a user's. It ends with
the kernel that has started it; what it has forked goes on.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import traceback

from nodetool_jupyter.worker.supervisor import supervise

READY = b"r"
DESCRIPTORS = 2
"""That come with each request: the connection to the launcher, and its bell."""
PRELOADED = (
    "nodetool_jupyter.worker.pickling",
    "nodetool_jupyter.nodes.constant",
    "nodetool_jupyter.nodes.input",
    "nodetool_jupyter.nodes.output",
    "nodetool_jupyter.nodes.workflow",
    "nodetool_jupyter.nodes.control",
)


def serve(control: socket.socket) -> None:
    """Fork a supervisor for each request, until the kernel has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors tell their end by themselves
    _warm_up()
    gc.collect()
    gc.freeze()
    control.send(READY)
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, DESCRIPTORS)
        if not data:
            return
        if os.fork() == 0:
            control.close()
            become_supervisor(*descriptors)
        for fd in descriptors:
            os.close(fd)


def become_supervisor(connection: int, bell: int) -> None:
    """Supervise one job, then end this process."""
    code = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        code = supervise(socket.socket(fileno=connection), bell)
    except BaseException:  # noqa: BLE001 - there is no one to raise it to
        traceback.print_exc()
    finally:
        os._exit(code)


def _warm_up() -> None:
    """Import and use what every job uses: whatever is built at first use is built before the forks."""
    import asyncio
    import importlib

    from nodetool_jupyter.engine.context import ProcessingContext
    from nodetool_jupyter.engine.plan import compile_graph
    from nodetool_jupyter.engine.registry import Registry
    from nodetool_jupyter.engine.runner import WorkflowRunner
    from nodetool_jupyter.engine.threads import ThreadPool
    from nodetool_jupyter.model.graph import Edge, Graph, Node
    from nodetool_jupyter.worker import wire

    for name in PRELOADED:
        importlib.import_module(name)
    wire.package_version()
    registry = Registry(
        {
            "nodetool.constant": ("nodetool_jupyter.nodes.constant",),
            "nodetool.output": ("nodetool_jupyter.nodes.output",),
        }
    )
    graph = Graph(
        nodes=(
            Node(id="a", type="nodetool.constant.String", data={"value": "warm"}),
            Node(id="b", type="nodetool.output.Output", data={"name": "b"}),
        ),
        edges=(Edge(source="a", target="b", targetHandle="value"),),
    )
    plan = compile_graph(graph, registry)
    lines: list[bytes] = []
    run = WorkflowRunner(
        plan, ProcessingContext("warm"), lambda batch: lines.append(batch.lines), ThreadPool(1)
    )
    asyncio.run(run.run())


def main(arguments: list[str]) -> int:
    """``zygote FD`` serves the socket FD; ``supervise FD BELL`` runs one job; ``contained FOLDER`` the one
    whose run directory a container has there; ``try`` only says that all is here.
    """
    match arguments:
        case ["zygote", fd]:
            serve(socket.socket(fileno=int(fd)))
            return 0
        case ["supervise", fd, bell]:
            return supervise(socket.socket(fileno=int(fd)), int(bell))
        case ["contained", folder]:
            from nodetool_jupyter.worker.contained import serve_folder

            return serve_folder(folder)
        case ["try"]:
            _warm_up()
            return 0
        case _:
            sys.stderr.write("this module is started by nodetool_jupyter\n")
            return 64
