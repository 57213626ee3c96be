"""Where a program can be wrong by one small thing: the mutants of a file. Nothing here runs anything."""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Files whose wrongness no test of behaviour is about.
SKIPPED: Final = {"tables.py", "settings.py", "logging.py", "metrics.py", "openapi.py", "__main__.py"}

_SQL: Final = re.compile(r"\b(SELECT|UPDATE|DELETE FROM|INSERT INTO|WHERE|AND|FROM)\b|= :\w+")
_LUA: Final = re.compile(r"redis\.call\(|\blocal \w+ =")
_IN_CONDITION: Final = r"(?:(?<=WHERE )|(?<=AND )|(?<= ON )|(?<= OR ))"

#: (kind, pattern, what comes instead) in SQL.
_SQL_RULES: Final = [
    ("office", re.compile(r"\b(?:\w+\.)?office = (?::office|:offices|\w+\.office)\b"), "TRUE"),
    ("sql", re.compile(rf"{_IN_CONDITION}(?:\w+\.)?(?!office\b)\w+ = (?:'\w+'|:\w+|\w+\.\w+)(?![\w.])"), "TRUE"),
    ("sql", re.compile(rf"{_IN_CONDITION}(?:\w+\.)?\w+ <> '\w+'"), "TRUE"),
    ("sql", re.compile(r"(?<= )<=(?= )"), "<"),
    ("sql", re.compile(r"(?<= )>=(?= )"), ">"),
    ("sql", re.compile(r"(?<= )<(?= )"), "<="),
    ("sql", re.compile(r"(?<= )>(?= )"), ">="),
    ("sql", re.compile(r"\bIS NOT NULL\b"), "IS NULL"),
    ("sql", re.compile(r"\bIS NULL\b"), "IS NOT NULL"),
    ("sql", re.compile(r"\bNOT EXISTS\b"), "EXISTS"),
    ("sql", re.compile(r"\bgreatest\("), "least("),
    ("sql", re.compile(r"\bleast\("), "greatest("),
    ("sql", re.compile(r" DESC\b"), " ASC"),
    ("sql", re.compile(r", '\w+'\)"), ")"),
]
#: The same in Lua.
_LUA_RULES: Final = [
    ("lua", re.compile(r"(?<= )<=(?= )"), "<"),
    ("lua", re.compile(r"(?<= )>=(?= )"), ">"),
    ("lua", re.compile(r"(?<= )<(?= )"), "<="),
    ("lua", re.compile(r"(?<= )>(?= )"), ">="),
    ("lua", re.compile(r"(?<= )==(?= )"), "~="),
    ("lua", re.compile(r"(?<= )and(?= )"), "or"),
    ("lua", re.compile(r"(?<= )or(?= )"), "and"),
    ("lua", re.compile(r"\bmath\.max\b"), "math.min"),
    ("lua", re.compile(r"\bmath\.min\b"), "math.max"),
    ("lua", re.compile(r"'\(' \.\. "), ""),
    ("lua", re.compile(r"^\s+(?:redis\.call\('(?:DEL|ZREM|ZADD|SET|EXPIRE|PEXPIRE|INCRBY|INCR)'.*\))$", re.M), ""),
]
_COMPARISONS: Final = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_CALLS: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
#: Arguments that forbid programs what none does, or say how something is kept: no behaviour depends on them.
_FORM: Final = {"frozen", "slots", "index"}
#: What only tells people who run the service.
_TELLING: Final = re.compile(r"^(?:await )?_?(?:log|logger|metrics|[A-Z_]+)\.|\.(?:inc|observe|labels|set_name)\(")


@dataclass(frozen=True)
class Mutant:
    """One small wrong: bytes `start` to `end` of a file become `new`. `lines`: what a test has to run to meet it.

    `name`: the constant (or class) that it stands in, if it stands outside of every function.
    """

    path: Path
    kind: str
    start: int
    end: int
    new: str
    line: int
    lines: range
    name: str | None
    was: str

    def applied(self, source: bytes) -> bytes:
        """The file with it."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def mutants_of(path: Path) -> list[Mutant]:
    """All mutants of a file, from its beginning to its end, but those that make no difference."""
    found = [mutant for mutant in _Planter(path).found() if not any(one.is_(mutant) for one in EQUIVALENT)]
    return sorted(found, key=lambda mutant: (mutant.start, mutant.end, mutant.new))


@dataclass(frozen=True)
class Equivalent:
    """A mutant of which nobody can tell the difference: the end of its file's path, its line, and what becomes what."""

    file: str
    code: str
    was: str
    new: str
    why: str

    def is_(self, mutant: Mutant) -> bool:
        """Whether this is it, wherever the line has gone."""
        return (
            (self.was, self.new) == (mutant.was, mutant.new)
            and str(mutant.path).endswith(self.file)
            and mutant.path.read_text().splitlines()[mutant.line - 1].strip() == self.code
        )


def _equivalent() -> list[Equivalent]:
    file = Path(__file__).with_name("equivalent.toml")
    return [Equivalent(**entry) for entry in tomllib.loads(file.read_text())["mutant"]]


EQUIVALENT: Final = _equivalent()


def _names_office(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in ("office", "slug")


class _Planter:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._source = path.read_bytes()
        self._starts = [0]
        for line in self._source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def found(self) -> Iterator[Mutant]:
        """Everything, in no order."""
        tree = ast.parse(self._source)
        for statement in tree.body:
            yield from self._within(statement, None, in_function=False)

    def _within(self, statement: ast.stmt, name: str | None, *, in_function: bool) -> Iterator[Mutant]:
        """The mutants of a statement and of those in it."""
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return  # a docstring
        if isinstance(statement, ast.AnnAssign) and statement.value is None:
            return
        if isinstance(statement, ast.Assign | ast.AnnAssign) and not in_function:
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            name = target.id if isinstance(target, ast.Name) else name
        if isinstance(statement, ast.ClassDef):
            name = statement.name
        block = [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt | ast.ExceptHandler)]
        body = [child for each in block for child in (each.body if isinstance(each, ast.ExceptHandler) else [each])]
        last = (body[0].lineno - 1 if body else statement.end_lineno) or statement.lineno
        lines = range(statement.lineno, max(last, statement.lineno) + 1)
        function = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
        if in_function:
            yield from self._whole(statement, lines)
        if not function and not isinstance(statement, ast.ClassDef):
            for child in ast.iter_child_nodes(statement):
                if isinstance(child, ast.expr | ast.withitem | ast.comprehension):
                    yield from self._expressions(child, lines, None if in_function else name)
        for inner in body:
            yield from self._within(inner, name, in_function=in_function or function)

    def _whole(self, statement: ast.stmt, lines: range) -> Iterator[Mutant]:
        """A refusal that does not refuse, an act that is forgotten."""
        if isinstance(statement, ast.Raise):
            yield self._of("guard", statement, "pass", lines)
        if isinstance(statement, ast.Expr):
            value = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
            if isinstance(value, ast.Call) and not _TELLING.search(ast.unparse(statement)):
                yield self._of("act", statement, "pass", lines)

    def _expressions(self, root: ast.AST, lines: range, name: str | None) -> Iterator[Mutant]:
        inside: set[ast.AST] = set()
        for node in ast.walk(root):
            if node in inside or not hasattr(node, "lineno"):
                continue
            if isinstance(node, ast.keyword) and node.arg in _FORM:
                inside |= set(ast.walk(node))
            elif isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                inside |= set(ast.walk(node))
                yield from self._text(node, lines, name)
            elif isinstance(node, ast.Compare):
                yield from self._comparison(node, lines, name)
            elif isinstance(node, ast.BoolOp):
                old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                yield from self._between(node.values[0], node.values[1], old, new, lines, name)
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
                yield self._of("rule", node, f"({ast.unparse(node.operand)})", lines, name)
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
                if not any(isinstance(side, ast.JoinedStr | ast.List | ast.Tuple) for side in (node.left, node.right)):
                    old, new = ("+", "-") if isinstance(node.op, ast.Add) else ("-", "+")
                    yield from self._between(node.left, node.right, old, new, lines, name)
            elif isinstance(node, ast.Constant) and isinstance(node.value, int):
                new = str(not node.value) if isinstance(node.value, bool) else str(node.value + 1)
                yield self._of("value", node, new, lines, name)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
                yield self._of("rule", node.func, _CALLS[node.func.id], lines, name)
            elif isinstance(node, ast.IfExp):
                new = f"({ast.unparse(node.orelse)} if {ast.unparse(node.test)} else {ast.unparse(node.body)})"
                yield self._of("rule", node, new, lines, name)

    def _comparison(self, node: ast.Compare, lines: range, name: str | None) -> Iterator[Mutant]:
        left = node.left
        if isinstance(node.ops[0], ast.Eq) and any(_names_office(side) for side in (left, *node.comparators)):
            yield self._of("office", node, "True", lines, name)
        for operator, right in zip(node.ops, node.comparators, strict=True):
            old, new = _COMPARISONS[type(operator)]
            yield from self._between(left, right, old, new, lines, name)
            left = right

    def _between(
        self, left: ast.expr, right: ast.expr, old: str, new: str, lines: range, name: str | None
    ) -> Iterator[Mutant]:
        """The operator that stands between two operands."""
        low, high = self._end(left), self._start(right)
        at = self._source[low:high].find(old.encode())
        if at >= 0:
            yield self._mutant("rule", low + at, low + at + len(old.encode()), new, lines, name)

    def _text(self, node: ast.expr, lines: range, name: str | None) -> Iterator[Mutant]:
        """SQL and Lua in a literal."""
        start, end = self._start(node), self._end(node)
        text = self._source[start:end].decode()
        lua = bool(_LUA.search(text))
        if not lua and not _SQL.search(text):
            return
        for kind, pattern, new in _LUA_RULES if lua else _SQL_RULES:
            for found in pattern.finditer(text):
                low = start + len(text[: found.start()].encode())
                yield self._mutant(kind, low, low + len(found[0].encode()), new, lines, name)

    def _of(self, kind: str, node: ast.stmt | ast.expr, new: str, lines: range, name: str | None = None) -> Mutant:
        return self._mutant(kind, self._start(node), self._end(node), new, lines, name)

    def _mutant(self, kind: str, start: int, end: int, new: str, lines: range, name: str | None) -> Mutant:
        line = self._source[:start].count(b"\n") + 1
        was = " ".join(self._source[start:end].decode().split())
        return Mutant(self._path, kind, start, end, new, line, lines, name, was)

    def _start(self, node: ast.stmt | ast.expr) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.stmt | ast.expr) -> int:
        return self._starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)


def references(paths: list[Path]) -> dict[str, list[tuple[Path, int, str | None]]]:
    """Where each name is used: (file, line, the constant that it is used in, if that is outside of every function)."""
    found: dict[str, list[tuple[Path, int, str | None]]] = {}
    for path in paths:
        for statement in ast.parse(path.read_bytes()).body:
            owner = None
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                owner = statement.targets[0].id
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                owner = statement.target.id
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                    found.setdefault(node.id, []).append((path, node.lineno, owner))
                elif isinstance(node, ast.Attribute):
                    found.setdefault(node.attr, []).append((path, node.lineno, owner))
    return found
