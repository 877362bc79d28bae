"""lib.seaborn: charts of tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nodetool_jupyter.nodes import chart
from nodetool_jupyter.nodes.seaborn import NO_CHART, ChartRenderer
from tests.unit.nodes.support import assert_refused, run_node

TABLE = pd.DataFrame({"a": [1, 2, 3, 4, 5, 6], "b": [2.0, 1, 4, 3, 6, 5], "c": [*"xyxyxy"]})
LINE = {"plot_type": "line", "x": "a", "y": "b"}


def config(*series: Any, **options: Any) -> dict[str, Any]:
    return {**NO_CHART, "data": {"type": "chart_data", "series": [*series]}, **options}


def render(
    *series: Any, table: pd.DataFrame = TABLE, size: tuple[int, int] = (320, 240), **options: Any
) -> Image.Image:
    given = {"chart_config": config(*series, **options), "data": table, "width": size[0], "height": size[1]}
    image = run_node(ChartRenderer, given)
    assert isinstance(image, Image.Image)
    return image


def colors(image: Image.Image) -> set[tuple[int, int, int]]:
    return {tuple(color) for color in np.asarray(image.convert("RGB")).reshape(-1, 3).tolist()}


# seaborn says `vert` to matplotlib, which wants another word since 3.11.
@pytest.mark.filterwarnings("ignore:vert. bool was deprecated")
@pytest.mark.parametrize("kind", [*chart.PLOTS, "heatmap", "scatterplot"])
def test_kinds_of_plots(kind: str) -> None:
    """Each draws something, in the size that was asked for, and the same each time."""
    alone = kind in ("hist", "kde", "ecdf", "rug", "count")
    series = {"plot_type": kind, "x": "a", "name": "one", **({} if alone else {"y": "b"})}
    image = render(series)
    assert image.size == (320, 240)
    assert len(colors(image)) > 10
    assert render(series).tobytes() == image.tobytes()
    if kind not in ("reg", "resid", "heatmap"):
        assert render({**series, "hue": "c"}).tobytes() != image.tobytes()


def test_several_series_and_colors() -> None:
    """A series may have a color of its own."""
    image = render({**LINE, "color": "#ff0000"}, {**LINE, "y": "a", "color": "#0000ff"})
    assert {(255, 0, 0), (0, 0, 255)} <= colors(image)


@pytest.mark.parametrize(
    "options",
    [{"title": "$\\broken"}, {"x_label": "x"}, {"y_scale": "log"}, {"x_lim": [0, 3]}, {"legend": False}],
    ids=lambda options: next(iter(options)),
)
def test_what_a_chart_says(options: Any) -> None:
    """Each shows; dollar signs are dollar signs."""
    series = {**LINE, "name": "one"}
    assert render(series, **options).tobytes() != render(series).tobytes()


def test_the_frame() -> None:
    given = {"chart_config": config(LINE), "data": TABLE}
    images = [run_node(ChartRenderer, {**given, "despine": on, "trim_margins": on}) for on in (True, False)]
    assert images[0].size == images[1].size == (640, 480)
    assert images[0].tobytes() != images[1].tobytes()


def test_a_notebook_keeps_its_figures() -> None:
    """What the user draws in the same process goes on where it was."""
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    render(LINE)
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize(
    ("series", "options", "message"),
    [
        ([], {}, "the chart has no series"),
        ([{**LINE, "plot_type": "pie"}], {}, "'pie' is no kind of plot; choose scatter, line"),
        ([{**LINE, "plot_type": "pairplot"}], {}, "pairplot makes a figure of several panels"),
        ([{**LINE, "y": "z"}], {}, "the table has no column 'z'"),
        ([{**LINE, "color": "no color"}], {}, "the chart can't be drawn"),
        ([LINE], {"y_scale": "crooked"}, "the chart can't be drawn: 'crooked' is not a valid value"),
        ([LINE], {"x_lim": [0, float("nan")]}, "x_lim must be two numbers"),
        ([LINE], {"data": {"series": [LINE], "col": "c"}}, "a chart of several panels"),
        ([LINE] * 101, {}, "a chart has at most 100 series"),
    ],
)
def test_what_can_not_be_drawn(series: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render(*series, **options)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in ((0, 480), (10_000, 10_000)):
        with pytest.raises(ValueError, match="a chart has at least 50 by 50 pixels"):
            render(LINE, size=size)
    monkeypatch.setattr(chart, "MAX_ROWS", 5)
    assert_refused(
        ChartRenderer, {"chart_config": config(LINE), "data": TABLE}, "at most 100 series and 5 rows"
    )
    assert_refused(ChartRenderer, {"chart_config": config(LINE)}, "no table is connected, or it has no rows")
    words = pd.DataFrame({"c": ["x"]})
    with pytest.raises(ValueError, match="a heatmap needs columns of numbers"):
        render({"plot_type": "heatmap"}, table=words)
