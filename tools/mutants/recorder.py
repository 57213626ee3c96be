"""A pytest plugin that writes down which test runs which line, and how long each test takes.

Loaded with `-p tools.mutants.recorder` before anything of ours is imported. SCHALTER_MUTANTS_RECORD names the file,
SCHALTER_MUTANTS_SOURCE the folder whose files are looked at: their functions are compiled so that each statement says
that it runs. A tracer would slow down every library as well, to a half or a third of its speed.
"""

import ast
import builtins
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Final

import pytest

_NAME: Final = "__mutants_ran__"
_file = Path(os.environ["SCHALTER_MUTANTS_RECORD"])
_source = Path(os.environ["SCHALTER_MUTANTS_SOURCE"])
#: What ran since a test began; what ran in each.
_ran: set[tuple[str, int]] = set()
_lines: defaultdict[str, defaultdict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
_seconds: defaultdict[str, float] = defaultdict(float)


class _Told(ast.NodeTransformer):
    """Every statement of a function comes after a call that says so."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._in_function = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        around, self._in_function = self._in_function, True
        self.generic_visit(node)
        self._in_function = around
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if self._in_function and not isinstance(node, ast.ClassDef):
            for field in ("body", "orelse", "finalbody"):
                statements = getattr(node, field, None)
                if isinstance(statements, list):
                    setattr(node, field, [each for statement in statements for each in self._said(statement)])
        return node

    def _said(self, statement: ast.stmt) -> list[ast.stmt]:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return [statement]  # a docstring stays the first
        [said] = ast.parse(f"{_NAME}(({self._path!r}, {statement.lineno}))").body
        for node in ast.walk(said):
            ast.copy_location(node, statement)
        return [said, statement]


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Compiled anew: what Python keeps beside a file says nothing."""
        tree = ast.parse(self.get_data(self.path))
        return compile(_Told(self.path).visit(tree), self.path, "exec", dont_inherit=True)


def _finder(folder: str) -> FileFinder:
    if not Path(folder).is_relative_to(_source):
        raise ImportError(folder)
    return FileFinder(folder, (_Loader, [".py"]))


setattr(builtins, _NAME, _ran.add)
sys.path_hooks.insert(0, _finder)
sys.path_importer_cache.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """What runs until it is over, runs for this test."""
    _ran.clear()
    told = yield
    for path, line in _ran.copy():
        _lines[path][line].append(item.nodeid)
    return told


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Setting up counts: who runs the test alone pays for it, too."""
    _seconds[report.nodeid] += report.duration


def pytest_unconfigure() -> None:
    """The end of the tests."""
    _file.write_text(json.dumps({"lines": _lines, "seconds": _seconds}))
