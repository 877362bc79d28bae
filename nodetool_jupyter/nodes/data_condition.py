"""Conditions on the rows of a table, such as ``age > 30 and status in ['open', 'new']``.

A condition comes with a workflow and may be hostile: it is parsed, and only the forms listed here are
computed, by the functions in this file. No name but a column's is looked up, no attribute is taken by a name
from the condition, and length, depth and numbers are bounded.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import Any

import pandas as pd
from pandas.api.types import infer_dtype, is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from nodetool_jupyter.nodes.data_frames import find_column

MAX_LENGTH = 4000
MAX_DEPTH = 100
MAX_NUMBER = 2**63
SHOWN = 60

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
METHODS: dict[str, Callable[..., Any]] = {
    "isna": lambda column: column.isna(),
    "isnull": lambda column: column.isna(),
    "notna": lambda column: column.notna(),
    "notnull": lambda column: column.notna(),
    "isin": lambda column, values: column.isin(_listed(values)),
    "between": lambda column, low, high: column.between(low, high),
    "abs": lambda column: column.abs(),
    "fillna": lambda column, value: column.fillna(value),
    "max": lambda column: _plain(_numbers(column).max()),
    "mean": lambda column: _plain(_numbers(column).mean()),
    "median": lambda column: _plain(_numbers(column).median()),
    "min": lambda column: _plain(_numbers(column).min()),
    "std": lambda column: _plain(_numbers(column).std()),
    "sum": lambda column: _plain(_numbers(column).sum()),
    "str.contains": lambda column, text: _texts(column).str.contains(_literal(text), regex=False, na=False),
    "str.startswith": lambda column, text: _texts(column).str.startswith(_text(text), na=False),
    "str.endswith": lambda column, text: _texts(column).str.endswith(_text(text), na=False),
    "str.lower": lambda column: _texts(column).str.lower(),
    "str.upper": lambda column: _texts(column).str.upper(),
    "str.strip": lambda column: _texts(column).str.strip(),
    "str.len": lambda column: _texts(column).str.len(),
}
ALLOWED = (
    "allowed are column names (in `backticks` where they have spaces), index, numbers, texts, lists, "
    f"comparisons, in, and, or, not, arithmetic, and of a column the methods {', '.join(METHODS)}"
)
TOKEN = re.compile(
    r"""(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")|`(?P<name>[^`]+)`|(?P<sign>[&|@\n])""", re.DOTALL
)
SIGNS = {"&": " and ", "|": " or ", "\n": " "}
PATTERN = re.compile(r"[\\^$*+?{}\[\]|()]")


class ConditionError(ValueError):
    """A condition that can't be read or computed; says what was found and what is allowed."""


def matching_rows(table: pd.DataFrame, condition: str) -> pd.Series[bool]:
    """Which rows meet the condition, which is read as pandas' ``query`` reads it; raises ConditionError."""
    tree, names = _parse(condition)
    try:
        return _truths(_Evaluator(table, names).value(tree), tree)
    except (TypeError, ArithmeticError, RecursionError) as error:
        raise ConditionError(f"condition {_short(condition)} can't be computed: {error}") from None
    except ValueError as error:
        raise ConditionError(f"condition {_short(condition)}: {error}") from None


def _parse(condition: str) -> tuple[ast.expr, dict[str, str]]:
    """The expression, and the columns that the placeholders in it stand for."""
    if not condition.strip():
        raise ConditionError("the condition is empty; expected one such as: age > 30")
    if len(condition) > MAX_LENGTH:
        raise ConditionError(f"the condition has {len(condition)} characters; at most {MAX_LENGTH} are read")
    names: dict[str, str] = {}
    placeholder = "q"
    while placeholder in condition:
        placeholder += "q"

    def replace(match: re.Match[str]) -> str:
        if match["name"]:
            names[name := f"{placeholder}{len(names)}"] = match["name"]
            return name
        if match["sign"] == "@":
            raise ConditionError(f"@ names variables of a program, which a condition can't see; {ALLOWED}")
        return match["text"] or SIGNS[match["sign"]]

    text = TOKEN.sub(replace, condition).strip()
    try:
        return ast.parse(text, mode="eval").body, names
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
        hint = "; compare with ==" if re.search(r"[^=<>!]=[^=]", text) else ""
        raise ConditionError(f"condition {_short(condition)} can't be read: {reason}{hint}") from None


class _Evaluator:
    """Computes the parts of one condition over one table."""

    def __init__(self, table: pd.DataFrame, names: dict[str, str]) -> None:
        self.table = table
        self.names = names
        self.depth = 0
        self.forms: dict[type[ast.expr], Callable[[Any], Any]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.List: self._list,
            ast.Tuple: self._list,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._arithmetic,
            ast.BoolOp: self._logic,
            ast.Compare: self._compare,
            ast.Call: self._call,
        }

    def value(self, node: ast.expr) -> Any:
        form = self.forms.get(type(node))
        if form is None:
            raise _refused(node)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ConditionError(f"it is nested more than {MAX_DEPTH} deep")
        result = form(node)
        self.depth -= 1
        return result

    def _constant(self, node: ast.Constant) -> Any:
        if node.value is None:
            raise ConditionError("nothing equals None; use column.isna() or column.notna()")
        if not isinstance(node.value, (bool, int, float, str)):
            raise _refused(node)
        return _bounded(node.value)

    def _name(self, node: ast.Name) -> Any:
        name = self.names.get(node.id, node.id)
        if name == "index" and name not in self.table.columns:
            return self.table.index.to_series()
        return self.table[find_column(self.table, name)]

    def _list(self, node: ast.List | ast.Tuple) -> list[Any]:
        items = [self.value(item) for item in node.elts]
        if any(isinstance(item, (list, pd.Series)) for item in items):
            raise ConditionError(f"the list {_shown(node)} may only hold numbers and texts")
        return items

    def _unary(self, node: ast.UnaryOp) -> Any:
        operand = self.value(node.operand)
        if isinstance(node.op, (ast.Not, ast.Invert)):
            return ~_truths(operand, node.operand)
        _check_number(operand, node.operand)
        return -operand if isinstance(node.op, ast.USub) else operand

    def _arithmetic(self, node: ast.BinOp) -> Any:
        operation = ARITHMETIC.get(type(node.op))
        if operation is None:
            raise _refused(node)
        left, right = self.value(node.left), self.value(node.right)
        if not (isinstance(node.op, ast.Add) and _is_text(left) and _is_text(right)):
            _check_number(left, node.left)
            _check_number(right, node.right)
            if (
                isinstance(node.op, ast.Pow)
                and not isinstance(left, pd.Series)
                and not isinstance(right, pd.Series)
            ):
                _bounded(float(left) ** float(right))
        result = operation(left, right)
        return result if isinstance(result, pd.Series) else _bounded(result)

    def _logic(self, node: ast.BoolOp) -> Any:
        combine = operator.and_ if isinstance(node.op, ast.And) else operator.or_
        result = None
        for part in node.values:
            truths = _truths(self.value(part), part)
            result = truths if result is None else combine(result, truths)
        return result

    def _compare(self, node: ast.Compare) -> Any:
        """A chain ``1 < a <= 2`` holds where each of its links does."""
        values = [self.value(part) for part in (node.left, *node.comparators)]
        result = None
        for left, sign, right in zip(values, node.ops, values[1:], strict=False):
            link = _compared(left, sign, right, node)
            result = link if result is None else result & link
        return result

    def _call(self, node: ast.Call) -> Any:
        names: list[str] = []
        target: ast.expr = node.func
        while isinstance(target, ast.Attribute):
            names.insert(0, target.attr)
            target = target.value
        method = METHODS.get(".".join(names))
        if method is None or node.keywords:
            raise _refused(node)
        expected = method.__code__.co_argcount - 1
        if len(node.args) != expected:
            raise ConditionError(f"{_shown(node)}: expected {expected} arguments, found {len(node.args)}")
        column = self.value(target)
        if not isinstance(column, pd.Series):
            raise ConditionError(f"{_shown(target)} is no column, and only columns have methods")
        return method(column, *map(self.value, node.args))


def _compared(left: Any, sign: ast.cmpop, right: Any, node: ast.Compare) -> Any:
    """Equality with a list means membership, as in pandas."""
    if isinstance(sign, (ast.In, ast.NotIn)) or isinstance(right, list):
        if not isinstance(left, pd.Series) or not isinstance(sign, (ast.In, ast.NotIn, ast.Eq, ast.NotEq)):
            raise ConditionError(f"{_shown(node)}: only a column can be in a list")
        found = left.isin(_listed(right))
        return ~found if isinstance(sign, (ast.NotIn, ast.NotEq)) else found
    comparison = COMPARISONS.get(type(sign))
    if comparison is None or isinstance(left, list):
        raise _refused(node)
    return comparison(left, right)


def _refused(node: ast.AST) -> ConditionError:
    return ConditionError(f"{_shown(node)} is not allowed; {ALLOWED}")


def _shown(node: ast.AST) -> str:
    return _cut(ast.unparse(node))


def _short(condition: str) -> str:
    return repr(_cut(condition))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _bounded(value: Any) -> Any:
    if isinstance(value, (int, float)) and not abs(value) < MAX_NUMBER:
        raise ConditionError("a number is too large; at most 64 bits are allowed")
    return value


def _listed(values: Any) -> Any:
    if not isinstance(values, (list, pd.Series)):
        raise ConditionError("what follows in must be a list or a column, e.g. status in ['open', 'new']")
    return values


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, pd.Series) and infer_dtype(value) in ("string", "empty")
    )


def _texts(column: Any) -> Any:
    """A column of texts; one without any value counts as such, whatever its type."""
    if _is_text(column):
        return column
    if column.notna().any():
        raise ConditionError(f"column {column.name!r} holds {infer_dtype(column)}, not texts")
    return column.astype(object)


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column of numbers or times, of which something can be computed."""
    if is_numeric_dtype(column.dtype) or is_datetime64_any_dtype(column.dtype):
        return column
    raise ConditionError(f"column {column.name!r} holds {infer_dtype(column)}, not numbers")


def _plain(value: Any) -> Any:
    """A number of numpy's as one of Python's, which can be computed with."""
    return value.item() if hasattr(value, "item") else value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ConditionError("expected a text in quotes in the brackets, e.g. name.str.startswith('A')")
    return value


def _literal(value: Any) -> str:
    """A text to search for. Pandas would take a pattern, whose search can last forever: it is refused."""
    if PATTERN.search(_text(value)):
        raise ConditionError(
            f"{value!r} is a pattern, and str.contains takes a plain text here; join several by or"
        )
    return str(value)


def _check_number(value: Any, node: ast.expr) -> None:
    if isinstance(value, pd.Series):
        is_fine = is_numeric_dtype(value.dtype) or is_datetime64_any_dtype(value.dtype) or value.empty
    else:
        is_fine = isinstance(value, (int, float))
    if not is_fine:
        raise ConditionError(f"{_shown(node)} is not a number")


def _truths(value: Any, node: ast.expr) -> pd.Series[bool]:
    """A mask of rows; a column without rows counts as one, whatever its type."""
    if isinstance(value, pd.Series) and (is_bool_dtype(value.dtype) or value.empty):
        return value.fillna(False).astype(bool)
    if isinstance(value, bool):
        raise ConditionError(f"{_shown(node)} names no column")
    raise ConditionError(f"{_shown(node)} is not true or false; compare it, e.g. {_shown(node)} > 0")
