"""The texts that stand in sources: the clients' dictionaries, pairs in Python, the templates of mails."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vocabulary import Text

from contracts.text import Language

ROOT: Final = Path(__file__).parents[2]
_QUOTED: Final = re.compile(r'"((?:\\.|[^"\\])*)"')
#: What only clerks see.
_CLERKS: Final = ("web/clerk/", "web/shared/i18n/clerk", "services/booking/src/booking/statistics/")
#: Between the two objects of `area(name, de, en)`, as the formatter writes it.
_SEAM: Final = "\n  },\n  {\n"


def of_pages() -> Iterator[Text]:
    """Every literal of every dictionary of both clients, each branch of its functions too, and the pages' own HTML."""
    for path in _sources("web", ".ts"):
        source = path.read_text(encoding="utf-8")
        if not re.search(r"^export const \w+ = area\(", source, re.MULTILINE):
            continue
        head, seam, _ = source.partition(_SEAM)
        assert seam, f"{path}: no seam between German and English"
        for offset, said in _literals(source):
            yield _text(path, source, offset, "de" if offset < len(head) else "en", said)
    for path in _sources("web", ".html"):
        source = path.read_text(encoding="utf-8")
        yield from (_text(path, source, 0, language, re.sub(r"<[^>]*>", " ", source)) for language in ("de", "en"))


def of_python() -> Iterator[Text]:
    """Every pair `{"de": ..., "en": ...}` and `f(de=..., en=...)` of the services and simulators."""
    for folder in ("services", "simulators", "libs", "cli"):
        for path in _sources(folder, ".py"):
            source = path.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(source)):
                for language, value in _pair(node):
                    for said in _strings(value):
                        yield Text(_place(path, value.lineno), language, said, _for_clerks(path))


def of_problems() -> Iterator[Text]:
    """Titles and details of the refusals: clients show them in English when they have no words of their own."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in _sources("services", ".py")}
    trees |= {path: ast.parse(path.read_text(encoding="utf-8")) for path in _sources("libs/chassis", ".py")}
    classes = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    problems = {"Problem"}
    while more := {node.name for node in classes if problems & {ast.unparse(base) for base in node.bases}} - problems:
        problems |= more
    for path, tree in trees.items():
        for node in ast.walk(tree):
            said: list[ast.AST] = []
            if isinstance(node, ast.ClassDef) and node.name in problems:
                said = [part for part in node.body if not isinstance(part, ast.Expr | ast.FunctionDef)]
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in problems:
                said = [node]
            for part in said:
                for text in ast.walk(part):
                    if isinstance(text, ast.Constant) and isinstance(text.value, str) and " " in text.value:
                        # What clerks do is refused by casework, in their words.
                        yield Text(_place(path, text.lineno), "en", text.value, "casework" in path.parts)


def of_templates() -> Iterator[Text]:
    """What the templates of mails say, in branches that no preview takes, too."""
    for path in _sources("services/notify/src/notify/templates", ".j2"):
        language = path.name.split(".")[-2]
        if language in ("de", "en"):
            source = path.read_text(encoding="utf-8")
            for found in _QUOTED.finditer(source):
                if source.endswith("== ", 0, found.start()):
                    continue
                yield _text(path, source, found.start(), language, found[1], plain=".plain." in path.name)


def _sources(folder: str, suffix: str) -> Iterator[Path]:
    unread = {"node_modules", "tests", "generated", "dist", "migrations"}
    for path in sorted((ROOT / folder).rglob(f"*{suffix}")):
        if not unread & set(path.parts) and not path.name.endswith(".test.ts"):
            yield path


def _for_clerks(path: Path) -> bool:
    return path.relative_to(ROOT).as_posix().startswith(_CLERKS)


def _place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def _text(path: Path, source: str, offset: int, language: str, said: str, *, plain: bool = False) -> Text:
    spoken: Language = "de" if language == "de" else "en"
    return Text(_place(path, source.count("\n", 0, offset) + 1), spoken, said, _for_clerks(path), plain)


def _literals(source: str) -> Iterator[tuple[int, str]]:
    """Offset and words of each literal of a TypeScript source; a template is one, with "…" for what is put in."""
    open_: list[str | list[str]] = []
    starts: list[int] = []
    at = 0
    while at < len(source):
        inside = open_[-1] if open_ else None
        if isinstance(inside, list):
            if source[at] == "`":
                open_.pop()
                yield starts.pop(), "".join(inside)
            elif source.startswith("${", at):
                inside.append("…")
                open_.append("{")
                at += 1
            else:
                inside.append(source[at])
        elif source.startswith(("//", "/*"), at):
            at = source.index("\n" if source[at + 1] == "/" else "*/", at)
        elif found := _QUOTED.match(source, at):
            yield at, found[1]
            at = found.end() - 1
        elif source[at] == "`":
            open_.append([])
            starts.append(at)
        elif source[at] == "{":
            open_.append("{")
        elif source[at] == "}":
            open_.pop()
        at += 1


def _pair(node: ast.AST) -> Iterator[tuple[Language, ast.expr]]:
    if isinstance(node, ast.Dict):
        named = [
            (key.value, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        ]
    elif isinstance(node, ast.Call):
        named = [(keyword.arg, keyword.value) for keyword in node.keywords]
        if isinstance(node.func, ast.Name) and node.func.id == "_both":
            named = list(zip(("de", "en"), node.args, strict=True))
    else:
        return
    values = dict(named)
    if {"de", "en"} <= set(values):
        yield "de", values["de"]
        yield "en", values["en"]


def _strings(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.Dict):
        for each in value.values:
            yield from _strings(each)
    elif isinstance(value, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in value.values)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
