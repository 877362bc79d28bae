"""Entry point of the processes that are not forked: the zygote, and the cold path of one job."""

from __future__ import annotations

import sys

from nodetool_jupyter.worker.zygote import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
