"""TOML files that become models: a bad one is refused with the line and the reason, so that a person can mend it."""

import re
import tomllib
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from typing import Final, LiteralString, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

Model = TypeVar("Model", bound=BaseModel)
#: Where something stands in a document: keys and indices from the top, like ("fees", 0, "amount_cents").
Path = tuple[str | int, ...]

_DECODE_ERROR: Final = re.compile(r"^(?P<reason>.*?) \(at (?:line (?P<line>\d+), column \d+|end of document)\)$", re.S)
_STRING: Final = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\]|\\.)*"|\'[^\']*\'', re.S)
_SPACE: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR: Final = re.compile(r"[^,\]}#\n]+")


def flaw(reason: str, *at: str | int) -> PydanticCustomError:
    """The error that a model's validator raises about several fields together; `at` is the one to look at first."""
    template: LiteralString = "{reason}"
    return PydanticCustomError("flaw", template, {"reason": reason, "at": at})


def read(entry: Traversable) -> str:
    """The text of a file, with or without a byte order mark. Raises ValueError with the line that is not UTF-8."""
    raw = entry.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line}: is not UTF-8; save the file in this encoding") from error


def parse(text: str, model: type[Model]) -> Model:
    """`text` as a `model`. Raises ValueError that says "line 7: minutes: Input should be ..." for all that is wrong."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(_decode_error(error, text)) from error
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ValueError(explained(error, positions(text))) from error


def explained(error: ValidationError, lines: dict[Path, int], *prefix: str | int) -> str:
    """All that is wrong, each with its line; `prefix` is where the model stands in the document with these `lines`."""
    flaws = [((*prefix, *path), reason) for path, reason in _flaws(error)]
    return "; ".join(f"line {line_of(path, lines)}: {_dotted(path)}{reason}" for path, reason in flaws)


def line_of(path: Path, lines: dict[Path, int]) -> int:
    """The line of `path` in a document with these `positions`, or of the nearest thing around it; 1 for none."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1


def positions(text: str) -> dict[Path, int]:
    """The line (from 1) of every table, key and array element of `text`, which must be valid TOML."""
    return _Scanner(text).scan()


def _decode_error(error: tomllib.TOMLDecodeError, text: str) -> str:
    found = _DECODE_ERROR.match(str(error))
    if found is None:
        return str(error)
    return f"line {found['line'] or text.count(chr(10)) + 1}: {found['reason']}"


def _flaws(error: ValidationError) -> Iterator[tuple[Path, str]]:
    for each in error.errors():
        yield (*each["loc"], *each.get("ctx", {}).get("at", ())), each["msg"]


def _dotted(path: Path) -> str:
    return ".".join(map(str, path)) + ": " if path else ""


class _Scanner:
    """Walks over a valid document and notes on which line everything begins; it understands no values."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._lengths: dict[Path, int] = {}

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        self._space()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._space()
        return self._lines

    def _header(self) -> Path:
        line, brackets = self._line(), 2 if self._text.startswith("[[", self._at) else 1
        self._at += brackets
        *parents, name = self._key()
        self._at += brackets
        path: Path = ()
        for part in parents:
            self._lines.setdefault((*path, part), line)
            path = self._current((*path, part))
        path = (*path, name)
        if brackets == 2:
            self._lines.setdefault(path, line)
            index = self._lengths.get(path, 0)
            self._lengths[path] = index + 1
            path = (*path, index)
        self._lines.setdefault(path, line)
        return path

    def _current(self, path: Path) -> Path:
        """Where a header that passes through `path` goes: into the last element, if it is an array of tables."""
        length = self._lengths.get(path)
        return path if length is None else (*path, length - 1)

    def _pair(self, table: Path) -> None:
        line, key = self._line(), self._key()
        for length in range(1, len(key) + 1):
            self._lines.setdefault((*table, *key[:length]), line)
        self._at += 1  # the equals sign
        self._space()
        self._value((*table, *key))

    def _key(self) -> list[str]:
        """A dotted key, and the space around it."""
        parts: list[str] = []
        while True:
            self._space()
            found = _STRING.match(self._text, self._at) or _BARE.match(self._text, self._at)
            assert found is not None, "tomllib has read this document"
            parts.append(_unquoted(found[0]))
            self._at = found.end()
            self._space()
            if self._text[self._at] != ".":
                return parts
            self._at += 1

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening == "[":
            self._items(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            found = (_STRING if opening in "\"'" else _SCALAR).match(self._text, self._at)
            assert found is not None, "tomllib has read this document"
            self._at = found.end()

    def _items(self, path: Path) -> None:
        self._at += 1
        index = 0
        while not self._closes("]"):
            self._lines[(*path, index)] = self._line()
            self._value((*path, index))
            index += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while not self._closes("}"):
            self._pair(path)

    def _closes(self, bracket: str) -> bool:
        """Past the space and comma before the next element; whether there is none, and the bracket is passed."""
        self._space()
        if self._text[self._at] == ",":
            self._at += 1
            self._space()
        closed = self._text[self._at] == bracket
        self._at += closed
        return closed

    def _space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None, "the pattern matches nothing, too"
        self._at = found.end()

    def _line(self) -> int:
        return self._text.count("\n", 0, self._at) + 1


def _unquoted(key: str) -> str:
    if key[0] not in "\"'":
        return key
    (name,) = tomllib.loads(f"{key} = 0")
    return name
