"""docs/vocabulary.md as rules: which words people must not read, and where they read them all the same."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from contracts.text import Language

PATH: Final = Path(__file__).parents[2] / "docs" / "vocabulary.md"
_WORD: Final = re.compile(r"`([^`]+)`(?: (for citizens|in plain language))?")
_COLUMNS: Final = ("code", "German", "plain German", "English", "what it is", "not in German", "not in English")
_GAPS: Final = str.maketrans(
    {"\N{NO-BREAK SPACE}": " ", "\N{SOFT HYPHEN}": None, "\N{RIGHT SINGLE QUOTATION MARK}": "'"}
)
_ESCAPED_STAR: Final = "\N{NULL}"

Where = Literal["everywhere", "for citizens", "in plain language"]


@dataclass(frozen=True)
class Text:
    """Something that people read, and who they are."""

    place: str
    language: Language
    said: str
    clerks_only: bool = False
    plain: bool = False


@dataclass(frozen=True)
class Stray:
    """A word for which the vocabulary has another one."""

    thing: str
    language: Language
    word: str
    where: Where = "everywhere"

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        start, end = self.word.startswith("*"), self.word.endswith("*")
        body = re.escape(self.word.strip("*").replace(_ESCAPED_STAR, "*"))
        edges = (r"\w*" if start else r"(?<!\w)", r"\w*" if end else r"(?!\w)")
        flags = re.IGNORECASE if self.word == self.word.lower() else 0
        return re.compile(f"{edges[0]}{body}{edges[1]}", flags)

    def found_in(self, said: str, text: Text) -> str | None:
        """The word as it stands in `said`, the cleaned words of `text`; None if it is not there or is right there."""
        if text.language != self.language or (self.where == "for citizens" and text.clerks_only):
            return None
        if self.where == "in plain language" and not text.plain:
            return None
        found = self._pattern.search(said)
        return found.group() if found else None


@dataclass(frozen=True)
class Vocabulary:
    """The tables of the document."""

    things: Sequence[Sequence[str]]
    strays: Sequence[Stray]
    right: Sequence[str]

    def strays_in(self, text: Text) -> list[str]:
        """What is wrong with `text`, in words for the person who wrote it."""
        said = " ".join(text.said.translate(_GAPS).split())
        for phrase in self.right:
            said = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", " ", said, flags=re.IGNORECASE)
        found = [(stray, stray.found_in(said, text)) for stray in self.strays]
        return [
            f'{text.place}: "{word}" is not our word, see "{stray.thing}": {said[:160]}'
            for stray, word in found
            if word
        ]


def read(document: str | None = None) -> Vocabulary:
    """The vocabulary of `document`, by default of docs/vocabulary.md. Raises ValueError for a table it cannot read."""
    things, strays, right = [], [], []
    for cells in _rows(PATH.read_text(encoding="utf-8") if document is None else document):
        if len(cells) == len(_COLUMNS):
            things.append(cells)
            strays += [*_strays(cells[0], "de", cells[5]), *_strays(cells[0], "en", cells[6])]
        elif len(cells) == 2:
            right += [phrase.translate(_GAPS) for phrase, _ in _WORD.findall(cells[0])]
        else:
            raise ValueError(f"a row of {len(cells)} cells: {cells[0]}")
    return Vocabulary(things, strays, sorted(right, key=len, reverse=True))


def _rows(document: str) -> Iterator[list[str]]:
    header = True
    for line in document.splitlines():
        if not line.startswith("|"):
            header = True
        elif header:
            header = False
        elif not set(line) <= set("|-"):
            yield [cell.strip() for cell in line.rstrip()[1:-1].split("|")]


def _strays(thing: str, language: Language, cell: str) -> Iterator[Stray]:
    for word, where in _WORD.findall(cell):
        yield Stray(thing, language, word.replace(r"\*", _ESCAPED_STAR), where or "everywhere")
