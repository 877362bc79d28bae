"""Codecs of pandas tables, series, indexes and scalars: column by column, dtypes and missing values exact.

``columns`` and ``data`` of a table are NodeTool's form, with the first rows, for those who only show it;
``values`` holds the columns themselves. Large columns of numbers and dates are ``.npy`` files like any array.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.extensions import ExtensionArray

from nodetool_jupyter.values.arrays import write_items
from nodetool_jupyter.values.base import JSON, Reader, Refused, Writer, column_type, marker, segment_of
from nodetool_jupyter.values.pickles import write_pickle
from nodetool_jupyter.values.preview import preview

if TYPE_CHECKING:
    from nodetool_jupyter.values.walk import Decoder, Encoder

MAX_CELLS = 1000
CELL = 256


def find_writer(kind: type) -> Writer | None:
    for base, writer in _WRITERS.items():
        if issubclass(kind, base):
            return writer
    return None


def write_frame(encoder: Encoder, value: pd.DataFrame, depth: int) -> JSON:
    columns = []
    encoder.enter(len(value.columns), depth + 1)
    for name, series in value.items():
        try:
            columns.append(write_values(encoder, series, depth + 2))
        except Refused as refusal:
            refusal.within(segment_of(name), value)
            raise
    shown = _first_rows(value)
    encoder.size += 64 * len(columns) + 20 * len(shown["data"]) * len(columns)
    return marker(
        "dataframe",
        "pandas.DataFrame",
        **shown,
        labels=write_index(encoder, value.columns, depth + 1),
        index=write_index(encoder, value.index, depth + 1),
        values=columns,
        attrs=encoder.value(dict(value.attrs), depth + 1),
    )


def _first_rows(value: pd.DataFrame) -> dict[str, JSON]:
    """NodeTool's view of a table; ``rows`` is how many there really are."""
    names = [str(name).encode("utf-8", "replace").decode()[:CELL] for name in value.columns]
    types = [column_type(str(dtype)) for dtype in value.dtypes]
    head = value.iloc[: MAX_CELLS // max(1, len(names))]
    cells = [_cells(series) for _, series in head.items()]
    data = [list(row) for row in zip(*cells, strict=True)]
    columns = [{"name": name, "data_type": word} for name, word in zip(names, types, strict=True)]
    return {"columns": columns, "data": data, "rows": len(value)}


def _cells(column: pd.Series[Any]) -> list[JSON]:
    values = column.tolist()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "bi":
        return values
    missing = column.isna().tolist()
    return [None if gone else _cell(value) for gone, value in zip(missing, values, strict=True)]


def _cell(value: Any) -> JSON:
    return value.isoformat() if isinstance(value, pd.Timestamp) else preview(value, CELL)


def read_frame(decoder: Decoder, json: dict[str, Any]) -> pd.DataFrame:
    index = read_index(decoder, json["index"])
    columns = dict(enumerate(read_values(decoder, column) for column in json["values"]))
    frame = pd.DataFrame(columns, index=index, copy=False)
    frame.columns = read_index(decoder, json["labels"])
    frame.attrs.update(decoder.value(json["attrs"]))
    return frame


def write_series(encoder: Encoder, value: pd.Series[Any], depth: int) -> JSON:
    return marker(
        "series",
        "pandas.Series",
        name=encoder.value(value.name, depth + 1),
        values=write_values(encoder, value, depth + 1),
        index=write_index(encoder, value.index, depth + 1),
        attrs=encoder.value(dict(value.attrs), depth + 1),
    )


def read_series(decoder: Decoder, json: dict[str, Any]) -> pd.Series[Any]:
    values = read_values(decoder, json["values"])
    index, name = read_index(decoder, json["index"]), decoder.value(json["name"])
    series: pd.Series[Any] = pd.Series(values, index=index, name=name, dtype=values.dtype, copy=False)
    series.attrs.update(decoder.value(json["attrs"]))
    return series


def write_index(encoder: Encoder, value: pd.Index[Any], depth: int) -> JSON:
    names = encoder.value(list(value.names), depth + 1)
    if isinstance(value, pd.RangeIndex):
        return marker("list", "pandas.RangeIndex", names=names, parts=[value.start, value.stop, value.step])
    if isinstance(value, pd.MultiIndex):
        levels = [write_index(encoder, level, depth + 2) for level in value.levels]
        codes = [encoder.value(np.asarray(code), depth + 2) for code in value.codes]
        return marker("list", "pandas.MultiIndex", names=names, levels=levels, codes=codes)
    values = write_values(encoder, value, depth + 1)
    return marker("list", "pandas.Index", names=names, values=values, freq=_frequency(value))


def _frequency(index: pd.Index[Any]) -> str | None:
    """The name of a date index's frequency, if it says all of it: one with holidays is lost."""
    name = getattr(index, "freqstr", None)
    if not isinstance(index, (pd.DatetimeIndex, pd.TimedeltaIndex)) or name is None:
        return None
    return str(name) if pd.tseries.frequencies.to_offset(name) == index.freq else None


def read_index(decoder: Decoder, json: dict[str, Any]) -> pd.Index[Any]:
    names = decoder.value(json["names"])
    kind = json["python"]
    if kind == "pandas.RangeIndex":
        start, stop, step = json["parts"]
        return pd.RangeIndex(start, stop, step, name=names[0])
    if kind == "pandas.MultiIndex":
        levels: Any = [_read_labels(decoder, level) for level in json["levels"]]
        codes = [decoder.value(code) for code in json["codes"]]
        return pd.MultiIndex(levels, codes, names=names)
    values = read_values(decoder, json["values"])
    index: pd.Index[Any] = pd.Index(values, dtype=values.dtype, name=names[0])
    if json["freq"] is not None:
        index.freq = json["freq"]  # type: ignore[attr-defined]
    return index


def _read_labels(decoder: Decoder, json: dict[str, Any]) -> pd.Index[Any]:
    """What codes refer to. pandas fills a range in, of which two numbers may claim any length."""
    labels = read_index(decoder, json)
    decoder.take(8 * len(labels))
    return labels


def write_values(encoder: Encoder, column: pd.Series[Any] | pd.Index[Any], depth: int) -> JSON:
    """The values of one column. A dtype is a numpy one or has a writer in the table below."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return encoder.value(column.to_numpy(), depth)
    for cls, writer in _COLUMNS.items():
        if isinstance(dtype, cls):
            return writer(encoder, column.array, depth)
    hint = "convert it, for example with convert_dtypes() or astype(object)"
    refusal = Refused(f"has the dtype {str(dtype)[:100]}, which can't be written", hint)
    return write_pickle(encoder, column.array, refusal)


def read_values(decoder: Decoder, json: dict[str, Any]) -> Any:
    """The values of one column. A lone number is none: pandas would repeat it for each row claimed."""
    values = decoder.value(json)
    if not isinstance(values, (np.ndarray, ExtensionArray)) or values.ndim != 1:
        raise ValueError(f"{type(values).__name__} in place of a column's values")
    return values


def _write_strings(encoder: Encoder, array: Any, depth: int) -> JSON:
    items = write_items(encoder, array.to_numpy(dtype=object, na_value=None).tolist(), depth + 1, array)
    missing = "NA" if array.dtype.na_value is pd.NA else "nan"
    return marker("list", "pandas.strings", storage=array.dtype.storage, missing=missing, items=items)


def _read_strings(decoder: Decoder, json: dict[str, Any]) -> Any:
    # The other storage needs pyarrow, which may be missing here: then the default of this pandas.
    storage: Any = "python" if json["storage"] == "python" else None
    missing = {} if json["missing"] == "NA" else {"na_value": np.nan}
    dtype = pd.StringDtype(storage, **missing)
    return pd.array(decoder.value(json["items"]), dtype=dtype)


def _write_masked(encoder: Encoder, array: Any, depth: int) -> JSON:
    data = array.to_numpy(dtype=array.dtype.numpy_dtype, na_value=array.dtype.numpy_dtype.type(0))
    mask = encoder.value(np.asarray(array.isna()), depth + 1)
    return marker("list", "pandas.masked", data=encoder.value(data, depth + 1), mask=mask)


def _read_masked(decoder: Decoder, json: dict[str, Any]) -> Any:
    data, mask = decoder.value(json["data"]), decoder.value(json["mask"])
    makers: dict[str, Any] = {"b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}
    return makers.get(data.dtype.kind, pd.arrays.IntegerArray)(np.array(data), np.array(mask))


def _write_zoned(encoder: Encoder, array: Any, depth: int) -> JSON:
    dtype, zone = array.dtype, str(array.dtype.tz)
    try:
        same = pd.DatetimeTZDtype(dtype.unit, zone) == dtype
    except Exception:  # noqa: BLE001 - each library of time zones has its own error for unknown names
        same = False
    if not same:
        hint = 'convert it, for example with tz_convert("UTC")'
        raise Refused(f"has the time zone {zone!r}, which has no name of its own", hint)
    data = encoder.value(pd.DatetimeIndex(array).tz_convert(None).to_numpy(), depth + 1)
    return marker("list", "pandas.zoned", zone=zone, data=data)


def _read_zoned(decoder: Decoder, json: dict[str, Any]) -> Any:
    return pd.DatetimeIndex(decoder.value(json["data"])).tz_localize("UTC").tz_convert(json["zone"]).array


def _write_categories(encoder: Encoder, array: Any, depth: int) -> JSON:
    parts = {
        "codes": encoder.value(np.asarray(array.codes), depth + 1),
        "categories": write_index(encoder, array.categories, depth + 1),
    }
    return marker("list", "pandas.categories", **parts, ordered=bool(array.ordered))


def _read_categories(decoder: Decoder, json: dict[str, Any]) -> Any:
    dtype = pd.CategoricalDtype(_read_labels(decoder, json["categories"]), ordered=json["ordered"])
    return pd.Categorical.from_codes(decoder.value(json["codes"]), dtype=dtype)


def _write_periods(encoder: Encoder, array: Any, depth: int) -> JSON:
    data = encoder.value(array.asi8, depth + 1)
    return marker("list", "pandas.periods", freq=array.freqstr, data=data)


def _read_periods(decoder: Decoder, json: dict[str, Any]) -> Any:
    index: Any = pd.PeriodIndex
    return index.from_ordinals(decoder.value(json["data"]), freq=json["freq"]).array


def _write_intervals(encoder: Encoder, array: Any, depth: int) -> JSON:
    ends = [write_index(encoder, end, depth + 2) for end in (array.left, array.right)]
    return marker("list", "pandas.intervals", closed=array.closed, ends=ends)


def _read_intervals(decoder: Decoder, json: dict[str, Any]) -> Any:
    left, right = (read_index(decoder, end) for end in json["ends"])
    return pd.arrays.IntervalArray.from_arrays(left, right, closed=json["closed"])


def write_timestamp(encoder: Encoder, value: Any, depth: int) -> JSON:
    """A Timestamp, Timedelta, Period or Interval: an array of one, and its text."""
    encoder.size += 100
    word = "timedelta" if isinstance(value, pd.Timedelta) else "datetime"
    column = pd.Series([value])
    if isinstance(value, (pd.Timestamp, pd.Timedelta)):
        column = column.dt.as_unit(value.unit)
    text = str(value)[:100]
    return marker(word, "pandas.scalar", value=text, items=write_values(encoder, column, depth + 1))


def read_scalar(decoder: Decoder, json: dict[str, Any]) -> Any:
    return pd.Series(read_values(decoder, json["items"])).iloc[0]


def write_missing(_encoder: Encoder, value: Any, _depth: int) -> JSON:
    return marker("none", "pandas.missing", value="NaT" if value is pd.NaT else "NA")


def read_missing(_decoder: Decoder, json: dict[str, Any]) -> Any:
    return pd.NaT if json["value"] == "NaT" else pd.NA


_WRITERS: dict[type, Writer] = {
    pd.DataFrame: write_frame,
    pd.Series: write_series,
    pd.Index: write_index,
    pd.Timestamp: write_timestamp,
    pd.Timedelta: write_timestamp,
    pd.Period: write_timestamp,
    pd.Interval: write_timestamp,
    type(pd.NaT): write_missing,
    type(pd.NA): write_missing,
}
_MASKED: tuple[type, ...] = (
    pd.BooleanDtype,
    *(pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype, pd.Int64Dtype),
    *(pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype),
    *(pd.Float32Dtype, pd.Float64Dtype),
)
_COLUMNS: dict[type, Callable[[Any, Any, int], JSON]] = {
    pd.StringDtype: _write_strings,
    **dict.fromkeys(_MASKED, _write_masked),
    pd.DatetimeTZDtype: _write_zoned,
    pd.CategoricalDtype: _write_categories,
    pd.PeriodDtype: _write_periods,
    pd.IntervalDtype: _write_intervals,
}
READERS: dict[str, Reader] = {
    "pandas.DataFrame": read_frame,
    "pandas.Series": read_series,
    "pandas.RangeIndex": read_index,
    "pandas.MultiIndex": read_index,
    "pandas.Index": read_index,
    "pandas.strings": _read_strings,
    "pandas.masked": _read_masked,
    "pandas.zoned": _read_zoned,
    "pandas.categories": _read_categories,
    "pandas.periods": _read_periods,
    "pandas.intervals": _read_intervals,
    "pandas.scalar": read_scalar,
    "pandas.missing": read_missing,
}
