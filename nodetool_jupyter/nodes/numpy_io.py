"""lib.numpy.io: arrays to files of the workspace."""

from __future__ import annotations

import io

import numpy as np
from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.nodes import fields, files
from nodetool_jupyter.nodes.numpy_arrays import NO_ARRAY, connected
from nodetool_jupyter.values.fields import Array


class SaveArray(BaseNode, prefix="lib.numpy.io"):
    """Write an array to a file in numpy's format in a folder of the workspace, and pass the array on."""

    values: Array = NO_ARRAY
    folder: fields.Folder = Field(default=fields.asset("folder"), description="Unset, it is the workspace.")
    name: str = Field(default="%Y-%m-%d_%H-%M-%S.npy", description="May hold date codes.")

    def process(self, context: ProcessingContext) -> Array:
        values = connected(self.values)
        path = files.target(context, files.folder_of(context, self.folder), self.name)
        content = io.BytesIO()
        np.save(content, values, allow_pickle=False)
        files.write_bytes(path, content.getvalue())
        context.log(f"saved {path}")
        return values
