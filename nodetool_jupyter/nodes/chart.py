"""Charts by seaborn, on a figure of their own: a notebook's figures stay as they are.

Matplotlib isn't made for several threads: one chart is drawn at a time.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nodetool_jupyter.nodes.data_frames import find_column
from nodetool_jupyter.nodes.matching import shortened
from nodetool_jupyter.nodes.packages import need

DPI = 100
MAX_PIXELS = 50_000_000
MAX_ROWS = 200_000
MAX_SERIES = 100
DRAWING = threading.Lock()

COLUMNS = ("x", "y", "hue", "size", "style", "weights")
POINTS = frozenset({"x", "y", "hue", "size", "style", "color", "alpha", "palette", "marker"})
SPREAD = frozenset({"x", "y", "hue", "color", "palette", "orient", "alpha"})
HEAP = frozenset({"x", "y", "hue", "weights", "color", "palette", "alpha", "cumulative", "multiple", "fill"})
ESTIMATE = frozenset({"x", "y", "hue", "color", "palette", "orient", "estimator", "seed", "alpha"})
PLOTS: dict[str, frozenset[str]] = {
    "scatter": POINTS,
    "line": POINTS | {"estimator", "orient", "seed"},
    "hist": HEAP | {"stat", "bins", "binwidth", "binrange", "discrete", "element", "shrink", "kde"},
    "kde": HEAP,
    "ecdf": frozenset({"x", "y", "hue", "weights", "color", "palette", "stat", "alpha"}),
    "rug": frozenset({"x", "y", "hue", "color", "palette", "height", "alpha"}),
    "strip": SPREAD | {"jitter", "dodge"},
    "swarm": SPREAD | {"dodge"},
    "box": SPREAD - {"alpha"},
    "violin": SPREAD - {"alpha"},
    "boxen": SPREAD - {"alpha"},
    "point": ESTIMATE,
    "bar": ESTIMATE,
    "count": frozenset({"x", "y", "hue", "color", "palette", "orient", "stat", "alpha"}),
    "reg": frozenset({"x", "y", "color", "order", "marker", "seed"}),
    "resid": frozenset({"x", "y", "color", "order"}),
}
"""Kinds of plots, and which properties of a series each one heeds."""
PANELS = frozenset({"rel", "dis", "dist", "cat", "lm", "joint", "pair", "facet", "clustermap"})


@dataclass(frozen=True, slots=True)
class Page:
    """What is around the chart: width and height in pixels, and whether to save lines and margins."""

    width: int
    height: int
    despine: bool
    tight: bool


def drawn(chart: Mapping[str, Any], table: Any, page: Page) -> bytes:
    """The chart as a PNG file; ValueError for what can't be drawn."""
    seaborn = need("seaborn", "seaborn", "charts")
    series = _series(chart, table, page)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with DRAWING:
        figure = Figure(figsize=(page.width / DPI, page.height / DPI), dpi=DPI)
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        try:
            for part in series:
                _plot(seaborn, axes, chart, part, table)
            _label(axes, chart)
            if page.despine:
                seaborn.despine(ax=axes)
            if page.tight:
                figure.tight_layout()
            content = io.BytesIO()
            figure.savefig(content, format="png", dpi=DPI)
        except (
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            IndexError,
            RuntimeError,
            ZeroDivisionError,
        ) as error:
            raise ValueError(f"the chart can't be drawn: {str(error)[:300]}") from None
    return content.getvalue()


def _series(chart: Mapping[str, Any], table: Any, page: Page) -> list[Mapping[str, Any]]:
    if not (page.width >= 50 and page.height >= 50 and page.width * page.height <= MAX_PIXELS):
        raise ValueError(
            f"a chart has at least 50 by 50 pixels and at most {MAX_PIXELS:,} in all; "
            f"found {page.width} by {page.height}"
        )
    data = chart.get("data")
    series = data.get("series") if isinstance(data, Mapping) else None
    if not isinstance(series, list) or not series:
        raise ValueError("the chart has no series: chart_config.data.series says what to draw")
    if len(series) > MAX_SERIES or len(table) > MAX_ROWS:
        raise ValueError(f"a chart has at most {MAX_SERIES} series and {MAX_ROWS:,} rows")
    if isinstance(data, Mapping) and (data.get("row") or data.get("col")):
        raise ValueError(
            "a chart of several panels (data.row, data.col) can't be drawn here; make one of each"
        )
    if not len(table):
        raise ValueError("no table is connected, or it has no rows")
    return series


def _plot(seaborn: Any, axes: Any, chart: Mapping[str, Any], series: Mapping[str, Any], table: Any) -> None:
    kind = str(series.get("plot_type") or "line").removesuffix("plot")
    if kind == "heatmap":
        _heatmap(seaborn, axes, chart, table)
        return
    if kind in PANELS:
        raise ValueError(f"{kind}plot makes a figure of several panels, which can't be drawn here")
    if kind not in PLOTS:
        raise ValueError(f"{shortened(kind)} is no kind of plot; choose {', '.join(PLOTS)} or heatmap")
    options = _options(kind, series, table)
    if "hue" in options and "palette" in PLOTS[kind] and chart.get("palette"):
        options.setdefault("palette", chart["palette"])
    if series.get("name") and "hue" not in options and kind in ("line", "scatter"):
        options["label"] = str(series["name"])
    getattr(seaborn, f"{kind}plot")(data=table, ax=axes, **options)


def _options(kind: str, series: Mapping[str, Any], table: Any) -> dict[str, Any]:
    """What of a series its kind of plot heeds, with columns by their labels."""
    options = {name: series[name] for name in PLOTS[kind] if series.get(name) not in (None, "")}
    for name in COLUMNS:
        if isinstance(options.get(name), str):
            options[name] = find_column(table, options[name])
    if "hue" not in options:
        options.pop("palette", None)
    if "seed" in PLOTS[kind]:
        options.setdefault("seed", 0)
    return options


def _heatmap(seaborn: Any, axes: Any, chart: Mapping[str, Any], table: Any) -> None:
    numbers = table.select_dtypes("number")
    if numbers.empty:
        raise ValueError("a heatmap needs columns of numbers")
    limits = {name: chart[name] for name in ("center", "vmin", "vmax", "cmap") if chart.get(name) is not None}
    seaborn.heatmap(
        numbers,
        ax=axes,
        annot=bool(chart.get("annot")) and numbers.size <= 10_000,
        fmt=str(chart.get("fmt") or ".2g"),
        square=bool(chart.get("square")),
        **limits,
    )


def _label(axes: Any, chart: Mapping[str, Any]) -> None:
    for name, set_text in (
        ("title", axes.set_title),
        ("x_label", axes.set_xlabel),
        ("y_label", axes.set_ylabel),
    ):
        if chart.get(name):
            # What stands between dollar signs would be read as a formula.
            set_text(str(chart[name]), parse_math=False)
    for name, set_scale in (("x_scale", axes.set_xscale), ("y_scale", axes.set_yscale)):
        if chart.get(name):
            set_scale(str(chart[name]))
    for name, set_limits in (("x_lim", axes.set_xlim), ("y_lim", axes.set_ylim)):
        if chart.get(name) is not None:
            set_limits(*_limits(chart[name], name))
    _place_legend(axes, bool(chart.get("legend", True)))


def _place_legend(axes: Any, visible: bool) -> None:
    legend = axes.get_legend()
    if legend is None and axes.get_legend_handles_labels()[1]:
        legend = axes.legend()
    if legend is not None:
        legend.set_visible(visible)


def _limits(value: Any, name: str) -> tuple[float, float]:
    numbers = (
        [part for part in value if isinstance(part, (int, float))] if isinstance(value, (list, tuple)) else []
    )
    if len(numbers) != 2 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name} must be two numbers")
    return float(numbers[0]), float(numbers[1])
