"""The Python of a cell: compiled once with the cell's own line numbers, run once under a GraphBuilder."""

from __future__ import annotations

import ast
import hashlib
import inspect
import linecache
import types
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from nodetool_jupyter.authoring.builder import GraphBuilder, Input, output
from nodetool_jupyter.errors import CellError, NodeToolError, nearest

RESULT_NAME = "__nodetool_result__"
MESSAGE_LENGTH = 2000
PROVIDED: dict[str, Any] = {"Input": Input, "output": output}
AWAIT_HINT = (
    "nothing has to be awaited while the graph is built: nodes that don't depend on one another run at the "
    "same time; other waiting belongs into a node"
)


class PythonBody:
    """One cell's body. Lines count from 1 at the first line of ``text``, blank ones included."""

    def __init__(self, text: str, transform: Callable[[str], str]) -> None:
        # Python's own idea of a line, not that of str.splitlines, which knows eight more ends.
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        self.lines = self.text.split("\n")
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        self.filename = f"<nodetool-cell-{digest}>"
        self.builder = GraphBuilder(self.filename, self.lines)
        self._transform = transform

    def run(self, namespace: Mapping[str, Any]) -> Any:
        """Build the graph and return the last expression's value; whatever goes wrong is a CellError."""
        code, last_line = self._compile()
        keep_lines(self.filename, self.text)
        scope = {**PROVIDED, **namespace}
        scope.setdefault("__name__", "__main__")
        with self.builder.activate():
            try:
                self._execute(code, scope)
            except CellError as error:
                raise self._placed(error) from error.__cause__
            except Exception as error:
                raise self._wrapped(error, scope) from error
            value = scope.get(RESULT_NAME)
            if self.builder.has_nodes:
                self.builder.last_line = last_line
                self.builder.add_result(value)
        return value

    def _compile(self) -> tuple[types.CodeType, int | None]:
        """(code, line of the last expression, whose value the code keeps under RESULT_NAME)"""
        if self.text.lstrip().startswith("%%"):
            raise self._error("a cell magic can't be inside of a %%nodetool cell", self._first_line())
        try:
            tree = ast.parse(self._source(), self.filename)
            last_line = _keep_last_value(tree)
            code = compile(tree, self.filename, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except SyntaxError as error:
            raise self._error(f"{type(error).__name__}: {error.msg}", error.lineno) from error
        except (RecursionError, MemoryError) as error:
            raise self._error("the cell can't be compiled: its code is nested too deep", None) from error
        except ValueError as error:
            raise self._error(f"the cell can't be compiled: {error}", None) from error
        return code, last_line

    def _source(self) -> str:
        """Plain Python, line for line: IPython's transform would drop leading blank lines."""
        blank = self._first_line() - 1
        return "\n" * blank + self._transform("\n".join(self.lines[blank:]) + "\n")

    def _first_line(self) -> int:
        return next((number for number, line in enumerate(self.lines, 1) if line.strip()), 1)

    def _execute(self, code: types.CodeType, scope: dict[str, Any]) -> None:
        started = eval(code, scope)  # noqa: S307 - running the cell is what the user asked for
        if inspect.iscoroutine(started):
            self._drive(started)

    def _drive(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a body with ``await`` to its end: a handle is there at once, real waiting is refused."""
        try:
            coroutine.send(None)
        except StopIteration:
            return
        frame = getattr(coroutine, "cr_frame", None)
        line = frame.f_lineno if frame is not None else None
        with suppress(RuntimeError):  # a body that awaits again while it is being closed
            coroutine.close()
        raise self._error("the cell waits for something that is no node", line, AWAIT_HINT)

    def _wrapped(self, error: Exception, scope: Mapping[str, Any]) -> CellError:
        """The user's exception as a CellError: its type, message and line, and what may help."""
        message = _text_of(error)
        if isinstance(error, NodeToolError):
            return self._error(error.message, self._line_in(error), error.hint)
        name = type(error).__name__
        return self._error(
            f"{name}: {message}" if message else name, self._line_in(error), _hint_for(error, message, scope)
        )

    def _placed(self, error: CellError) -> CellError:
        if error.line is None:
            error.line = self._line_in(error)
            error.text = self._text_at(error.line)
        return error

    def _line_in(self, error: BaseException) -> int | None:
        """The last line of the cell that the traceback passes."""
        line = None
        traceback = error.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_code.co_filename == self.filename:
                line = traceback.tb_lineno
            traceback = traceback.tb_next
        return line

    def _text_at(self, line: int | None) -> str:
        return self.lines[line - 1] if line is not None and 0 < line <= len(self.lines) else ""

    def _error(self, message: str, line: int | None, hint: str | None = None) -> CellError:
        return CellError(message, line=line, text=self._text_at(line), hint=hint)


def _keep_last_value(tree: ast.Module) -> int | None:
    """Turn a last expression into an assignment to RESULT_NAME; returns its line."""
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr):
        return None
    target = ast.Name(RESULT_NAME, ast.Store())
    tree.body[-1] = ast.fix_missing_locations(ast.copy_location(ast.Assign([target], last.value), last))
    return last.lineno


def keep_lines(filename: str, text: str) -> None:
    """Let tracebacks and ``inspect`` find a cell's lines by its name."""
    # Without a time of change the entry isn't dropped by linecache.checkcache.
    linecache.cache[filename] = (len(text), None, [f"{line}\n" for line in text.split("\n")], filename)


def _text_of(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as second:  # noqa: BLE001 - with a handle among its arguments, or a class of the user's
        text = f"(its message can't be shown: {type(second).__name__})"
    return text if len(text) <= MESSAGE_LENGTH else f"{text[:MESSAGE_LENGTH]}…"


def _hint_for(error: Exception, message: str, scope: Mapping[str, Any]) -> str | None:
    if isinstance(error, NameError) and isinstance(error.name, str):
        near = nearest(error.name, [name for name in scope if not name.startswith("_")])
        return f"did you mean {near}?" if near else None
    if isinstance(error, RuntimeError) and "event loop" in message:
        return AWAIT_HINT
    if isinstance(error, TypeError) and "Handle" in message:
        return (
            "a handle stands for a value that comes when the workflow runs; use it as an argument of a node"
        )
    return None
