"""lib.seaborn: charts of tables as images. ``chart`` draws them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from nodetool_jupyter.engine.context import ProcessingContext
from nodetool_jupyter.engine.node import BaseNode
from nodetool_jupyter.model.types import TypeMetadata
from nodetool_jupyter.nodes import fields
from nodetool_jupyter.nodes.chart import Page, drawn
from nodetool_jupyter.values import convert
from nodetool_jupyter.values.fields import DataFrame, Image

NO_CHART: dict[str, Any] = {
    "type": "chart_config",
    **dict.fromkeys(("title", "x_label", "y_label"), ""),
    "legend": True,
    "data": {"type": "chart_data", "series": [], **dict.fromkeys(("row", "col", "col_wrap"))},
    **dict.fromkeys(("height", "aspect", "x_lim", "y_lim", "x_scale", "y_scale")),
    "legend_position": "auto",
    **dict.fromkeys(("palette", "hue_order", "hue_norm", "sizes", "size_order", "size_norm")),
    **dict.fromkeys(("marginal_kws", "joint_kws", "diag_kind")),
    "corner": False,
    **dict.fromkeys(("center", "vmin", "vmax", "cmap")),
    "annot": False,
    "fmt": ".2g",
    "square": False,
}
ChartConfig = Annotated[Any, TypeMetadata(type="chart_config"), fields.typed_object("chart_config")]


class ChartRenderer(BaseNode, prefix="lib.seaborn"):
    """Draw a table as a chart: lines, points, bars and other plots of its columns."""

    chart_config: ChartConfig = Field(default=NO_CHART, description="What to draw, and how it is labelled.")
    width: int = Field(default=640, ge=0, le=10000, description="In pixels.")
    height: int = Field(default=480, ge=0, le=10000, description="In pixels.")
    data: DataFrame = Field(default=fields.DATAFRAME, description="The table.")
    despine: bool = Field(default=True, description="Whether to leave out the lines at the top and right.")
    trim_margins: bool = Field(default=True, description="Whether to use the room around the chart.")

    def process(self, context: ProcessingContext) -> Image:
        page = Page(self.width, self.height, self.despine, self.trim_margins)
        return convert.to_image(drawn(self.chart_config, convert.to_dataframe(self.data), page))
