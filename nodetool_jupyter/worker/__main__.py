"""Entry point of the processes that are not forked: the zygote, and the cold path of one job."""

from __future__ import annotations

import gc
import sys

from nodetool_jupyter.worker.prepared import prepare, use_prepared


def run(arguments: list[str]) -> int:
    """``prepare`` is for the build of an image, after which its processes start faster; all else for main."""
    if arguments == ["prepare"]:
        prepare()
        return 0
    use_prepared()  # before anything else is imported
    gc.disable()  # what is imported stays: to look through it all the time costs a tenth of the start
    from nodetool_jupyter.worker.zygote import main

    gc.freeze()
    gc.enable()
    return main(arguments)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
