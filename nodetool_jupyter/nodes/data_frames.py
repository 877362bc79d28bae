"""What the nodes of ``nodetool.data`` do with tables: functions from data frames to new data frames.

No function changes a table that it is given: other nodes hold the same one. What can't be done is an error
that says what the table has.
"""

from __future__ import annotations

import difflib
import io
import json
from collections.abc import Hashable
from datetime import datetime
from typing import Any, TextIO

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

AGGREGATIONS = ("sum", "mean", "count", "min", "max", "std", "var", "median", "first", "last")
PIVOT_AGGREGATIONS = ("sum", "mean", "count", "min", "max", "first", "last")
NEED_NUMBERS = frozenset({"mean", "std", "var", "median"})
FILL_METHODS = ("value", "forward", "backward", "mean", "median")
SHOWN = 30
REFERENCE = ("columns", "data", "uri", "asset_id")


def refuse_unset(value: Any) -> Any:
    """Refuses a reference to no table: taken for an empty one, it would hide a missing connection."""
    is_reference = isinstance(value, dict) and value.get("type") == "dataframe"
    if value is None or (is_reference and all(value.get(key) in (None, "") for key in REFERENCE)):
        raise ValueError("no table is connected")
    return value


def connected(value: Any, name: str) -> pd.DataFrame:
    """The table at an input, which nothing may be connected to."""
    if isinstance(value, pd.DataFrame):
        return value
    raise ValueError(f"no table is connected to {name}")


def find_column(table: pd.DataFrame, name: str) -> Any:
    """The label of the column that is called ``name``; a label that isn't text is found by its text."""
    matching = [label for label in table.columns if label == name] or [
        label for label in table.columns if str(label) == name
    ]
    if not matching:
        near = difflib.get_close_matches(name, map(str, table.columns), n=1)
        guess = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"the table has no column {name!r}{guess}; {describe_columns(table)}")
    if len(matching) > 1:
        raise ValueError(f"{len(matching)} columns are called {name!r}; rename them first")
    return matching[0]


def find_columns(table: pd.DataFrame, names: str) -> list[Any]:
    """The labels of the columns in a comma-separated list; blanks count only where a column has them."""
    if names.strip() and any(label == names for label in table.columns):
        return [find_column(table, names)]
    found = [
        find_column(table, part if part in table.columns else part.strip())
        for part in names.split(",")
        if part.strip()
    ]
    if not found:
        raise ValueError(f"name at least one column of the table; {describe_columns(table)}")
    return found


def describe_columns(table: pd.DataFrame) -> str:
    """``its columns are a, b``, for messages about a table."""
    names = [str(label) for label in table.columns[:SHOWN]]
    more = f" and {len(table.columns) - SHOWN} more" if len(table.columns) > SHOWN else ""
    return f"its columns are {', '.join(names)}{more}" if names else "it has no columns"


def read_csv(source: TextIO, name: str) -> pd.DataFrame:
    """The table in CSV, from an open file; ``name`` is what it is called in an error.

    Where rows have one value more than there are names, pandas would take the first ones for row labels, and
    the others would stand under wrong names: a look at two lines without a header refuses that.
    """
    try:
        pd.read_csv(source, header=None, nrows=2)
        source.seek(0)
        return pd.read_csv(source, low_memory=False)
    except pd.errors.EmptyDataError:
        raise ValueError(f"{name} is empty; expected a first line with the names of the columns") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} can't be read: {str(error).strip()}") from None


def table_from_csv(text: str) -> pd.DataFrame:
    """The table in a CSV text, whose first line names the columns."""
    return read_csv(io.StringIO(text), "the CSV text")


def table_from_json(text: str) -> pd.DataFrame:
    """The table in a JSON text: a list of records or of rows, or an object of columns."""
    try:
        rows = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"the text is not JSON: {error}") from None
    except (RecursionError, ValueError) as error:
        raise ValueError(f"the JSON can't be read: {error}") from None
    if not isinstance(rows, (list, dict)):
        raise TypeError(f"expected a JSON list of records, found {type(rows).__name__}")
    try:
        return pd.DataFrame(rows).rename(columns=str)
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"the JSON is no table: {error}; expected a list of records") from None


def table_from_records(records: list[Any]) -> pd.DataFrame:
    """A row for each dict; columns in the order in which they first appear."""
    rows = []
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise TypeError(f"values[{number}] must be a dict, found {type(record).__name__}")
        rows.append({key: _cell(value, f"values[{number}][{key!r}]") for key, value in record.items()})
    return pd.DataFrame(rows)


def _cell(value: Any, place: str) -> Any:
    """What stands in a cell: scalars as they are, the ``value`` of a dict, everything else as text."""
    if isinstance(value, dict):
        if "value" not in value:
            raise ValueError(f"{place} is a dict without 'value', which is no cell of a table")
        return value["value"]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """A dict for each row, of Python values."""
    if table.columns.is_unique:
        return table.to_dict("records")
    columns = [table.iloc[:, number].tolist() for number in range(table.shape[1])]
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def add_column(table: pd.DataFrame, name: str, values: list[Any]) -> pd.DataFrame:
    """The table with ``values`` as its last column, or in place of the column of that name."""
    if not name:
        raise ValueError("the new column needs a name")
    if len(values) != len(table) and len(table.columns):
        raise ValueError(f"expected {len(table)} values, one a row, found {len(values)}")
    return table.assign(**{name: values}) if len(table.columns) else pd.DataFrame({name: values})


def rename(table: pd.DataFrame, names: str) -> pd.DataFrame:
    """Columns renamed by ``old:new,old2:new2``."""
    mapping = {}
    for part in names.split(","):
        if not part.strip():
            continue
        old, colon, new = part.partition(":")
        if not (colon and new.strip()):
            raise ValueError(f"expected old:new, found {part.strip()!r}")
        mapping[find_column(table, old.strip())] = new.strip()
    return table.rename(columns=mapping)


def sort(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rows in ascending order of a column; equal ones stay in order, missing values come last."""
    label = find_column(table, column)
    try:
        return table.sort_values(label, kind="stable")
    except TypeError as error:
        raise ValueError(f"column {column!r} can't be sorted: {error}") from None


def drop_duplicates(table: pd.DataFrame) -> pd.DataFrame:
    """The first of each set of equal rows."""
    try:
        return table.drop_duplicates()
    except TypeError:
        raise ValueError("rows with lists or dicts in their cells can't be compared") from None


def fill_missing(table: pd.DataFrame, method: str, value: Any, names: str) -> pd.DataFrame:
    """Missing values of the named columns, or of all, filled; see FILL_METHODS."""
    _check_choice(method, FILL_METHODS, "method")
    if not table.columns.is_unique:
        raise ValueError(f"columns of one name can't be filled; {describe_columns(table)}")
    columns = find_columns(table, names) if names.strip() else list(table.columns)
    if method == "value" and isinstance(value, dict):
        value = {find_column(table, str(name)): item for name, item in value.items()}
    filled = table.copy()
    if method in ("mean", "median"):
        numeric = [label for label in columns if _is_number(table[label])]
        if names.strip() and len(numeric) < len(columns):
            texts = [str(label) for label in columns if label not in numeric]
            raise ValueError(f"method {method!r} needs numbers, but {', '.join(texts)} holds none")
        for label in numeric:
            filled[label] = table[label].fillna(getattr(table[label], method)())
        return filled
    for label in columns:
        filled[label] = _filled(table[label], method, value)
    return filled


def _filled(column: pd.Series[Any], method: str, value: Any) -> pd.Series[Any]:
    if method == "forward":
        return column.ffill()
    if method == "backward":
        return column.bfill()
    if isinstance(value, dict):
        value = value.get(column.name)
        return column if value is None else _filled(column, method, value)
    if value is None or isinstance(value, list):
        raise ValueError(f"expected a value to fill with, found {'none' if value is None else 'a list'}")
    if column.notna().all():
        return column
    kept = column if _takes(column, value) else column.astype(object)
    return kept.where(column.notna(), value)


def _takes(column: pd.Series[Any], value: Any) -> bool:
    """Whether a value fits into a column that stays of its type."""
    if is_numeric_dtype(column.dtype) or is_datetime64_any_dtype(column.dtype):
        return isinstance(value, (int, float) if is_numeric_dtype(column.dtype) else datetime)
    return isinstance(value, str)


def append(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The rows of both; an empty table adds nothing, others must have the same columns."""
    if first.empty or second.empty:
        return second if first.empty else first
    if not first.columns.equals(second.columns):
        raise ValueError(
            "rows can be appended to a table with the same columns: "
            f"of dataframe_a {describe_columns(first)}, of dataframe_b {describe_columns(second)}"
        )
    return pd.concat([first, second], axis=0)


def merge(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """The columns of both, side by side, rows matched by their row labels."""
    for name, table in (("a", first), ("b", second)):
        if not first.index.equals(second.index) and not table.index.is_unique:
            raise ValueError(
                f"row labels of dataframe_{name} repeat; number its rows anew by ToList and FromList"
            )
    return pd.concat([first, second], axis=1)


def join(first: pd.DataFrame, second: pd.DataFrame, column: str) -> pd.DataFrame:
    """The pairs of rows that have the same value in a column of both."""
    labels = []
    for name, table in (("a", first), ("b", second)):
        try:
            labels.append(find_column(table, column))
        except ValueError as error:
            raise ValueError(f"dataframe_{name}: {error}") from None
    try:
        return first.merge(second.rename(columns={labels[1]: labels[0]}), on=labels[0])
    except (ValueError, TypeError) as error:
        raise ValueError(f"the tables can't be joined on {column!r}: {error}") from None


def aggregate(table: pd.DataFrame, names: str, aggregation: str) -> pd.DataFrame:
    """One row for each group, sorted: the columns grouped by, then the others aggregated."""
    _check_choice(aggregation, AGGREGATIONS, "aggregation")
    keys = find_columns(table, names)
    _check_numbers(table[[label for label in table.columns if label not in keys]], aggregation)
    try:
        return table.groupby(keys).agg(aggregation).reset_index()
    except TypeError as error:
        raise ValueError(f"{aggregation} can't be computed: {error}") from None


def pivot(table: pd.DataFrame, index: str, columns: str, values: str, aggregation: str) -> pd.DataFrame:
    """A row for each value of ``index``, a column for each value of ``columns``."""
    _check_choice(aggregation, PIVOT_AGGREGATIONS, "aggfunc")
    row, column, value = (find_column(table, name) for name in (index, columns, values))
    if len({row, column, value}) < 3:
        raise ValueError("index, columns and values must be three different columns")
    _check_numbers(table[[value]], aggregation)
    how: Any = aggregation  # the stubs want one of a list of literals
    try:
        wide = table.pivot_table(index=row, columns=column, values=value, aggfunc=how)
        wide.columns = pd.Index([str(label) for label in wide.columns])
        return wide.reset_index()
    except (ValueError, TypeError) as error:
        raise ValueError(f"the table can't be pivoted: {error}") from None


def _check_choice(value: str, choices: tuple[str, ...], name: str) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}; found {value!r}")


def _check_numbers(table: pd.DataFrame, aggregation: str) -> None:
    texts = [str(label) for label, dtype in table.dtypes.items() if not _is_number(dtype)]
    if aggregation in NEED_NUMBERS and texts:
        raise ValueError(
            f"{aggregation} needs numbers, but {', '.join(texts)} holds none; leave it out by SelectColumn"
        )


def _is_number(column: Any) -> bool:
    return is_numeric_dtype(column) or is_datetime64_any_dtype(column)
