"""Entry point of the processes that are not forked: the zygote, and the cold path of one job."""

from __future__ import annotations

import gc
import sys

gc.disable()  # of what is imported nothing is garbage, which takes a while to find out
from nodetool_jupyter.worker.zygote import main  # noqa: E402 - see above

if __name__ == "__main__":
    gc.enable()
    sys.exit(main(sys.argv[1:]))
