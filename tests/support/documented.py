"""The commands that the documentation tells people to type: found in its pages, and cut out of its text."""

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS: Final = ROOT / "docs" / "operations.md"
#: Decisions tell what was right when they were made, so they are no instructions.
PAGES: Final = sorted([
    ROOT / "README.md",
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs" / "runbooks").glob("*.md"),
    *ROOT.glob("*/README.md"),
    *(ROOT / "services").glob("*/README.md"),
])  # fmt: skip

_FENCE: Final = re.compile(
    r"(?:^ *<!-- walk: (?P<mark>[^>]*?) -->\n)?^(?P<indent> *)```sh\n(?P<text>.*?)^ *```$", re.M | re.S
)
_SPAN: Final = re.compile(r"`([^`\n]+)`")
_ENDS: Final = ("&&", "||", ";", "|", "&", "<", ">", "<<")
#: How each of these reaches the command line of the same name.
_BEFORE_SCHALTER: Final = (".venv/bin/schalter", "schalter")


@dataclass(frozen=True)
class Block:
    """A fenced block of commands: the line it stands at, its mark (who walks it), and what is typed."""

    line: int
    mark: str
    text: str


@dataclass(frozen=True)
class Command:
    """One command as somebody would type it; `whole` in a block, else in a sentence, which may leave arguments out."""

    where: str
    words: tuple[str, ...]
    whole: bool

    def __str__(self) -> str:
        return f"{self.where}: {shlex.join(self.words)}"


def blocks(page: Path) -> list[Block]:
    """The blocks of commands of `page`, in their order."""
    text = page.read_text()
    found = []
    for fence in _FENCE.finditer(text):
        typed = re.sub(rf"^{fence['indent']}", "", fence["text"], flags=re.M)
        found.append(Block(text.count("\n", 0, fence.start("text")) + 1, fence["mark"] or "", typed))
    return found


def commands(page: Path) -> Iterator[Command]:
    """Every command of `page` that begins with a name of ours, in blocks and in sentences."""
    name = str(page.relative_to(ROOT))
    for block in blocks(page):
        for line in block.text.replace("\\\n", " ").splitlines():
            for words in _split(line):
                yield Command(f"{name}:{block.line}", words, whole=True)
    prose = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.M | re.S)
    for span in _SPAN.findall(prose):
        for words in _split(span.partition("...")[0]):
            for each in _alternatives(words):
                yield Command(name, each, whole=False)


def _split(line: str) -> Iterator[tuple[str, ...]]:
    """The simple commands of a line of shell, without variables before them and redirections after them."""
    # `list|reset` in a sentence is a choice, not a pipe: only what stands between spaces ends a command.
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    try:
        words = list(lexer)
    except ValueError:  # a sentence with an apostrophe, not a command
        return
    for ends, group in itertools.groupby(words, lambda word: word.rstrip(";") == "" or word in _ENDS):
        command = list(group)
        while command and re.fullmatch(r"[A-Z_]+=.*", command[0]):
            command.pop(0)
        if not ends and command:
            yield tuple(word.rstrip(";") for word in command)


def _alternatives(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return itertools.product(*(word.split("|") for word in words))


def of_schalter(command: Command) -> tuple[str, ...] | None:
    """What `schalter` is given, also in a container; None if it is another command."""
    words = command.words
    if words[:2] == ("docker", "compose"):
        if "--entrypoint" in words and "schalter" in words:
            return words[words.index("schalter") + 2 :]
        for name in _BEFORE_SCHALTER:
            if name in words:
                return words[words.index(name) + 1 :]
        return None
    return words[1:] if words[0] in _BEFORE_SCHALTER else None
