"""No page tells anybody to type what does not exist: commands, options, targets of make, parts of the system."""

import re
from itertools import takewhile

import pytest
import typer
from documented import OPERATIONS, PAGES, ROOT, Block, Command, blocks, commands, of_schalter
from typer.core import TyperGroup

from schalter.main import cli

ALL = [command for page in PAGES for command in commands(page)]
SCHALTER = [(command, words) for command in ALL if (words := of_schalter(command)) is not None]
MAKE = [command for command in ALL if command.words[0] == "make"]
COMPOSE = [command for command in ALL if command.words[:2] == ("docker", "compose") and len(command.words) > 2]
#: Compose's own tags (`!reset`) are none of YAML's, so the names of the parts are read as text.
FILES = [ROOT / "docker-compose.yml", *(ROOT / "deploy").glob("*.yml")]
PARTS = {name for file in FILES for name in re.findall(r"^  ([a-z-]+):$", file.read_text(), re.M)}
SCHALTERS = typer.main.get_command(cli)
#: What the command line raises for what it does not know.
REFUSED: type[Exception] = typer.BadParameter.__mro__[2]
#: Who walks a block of docs/operations.md (test_walk.py), or why nobody does.
MARK = re.compile(r"development(, stays)?|production|none, because .+")


def parse(words: tuple[str, ...], *, whole: bool) -> None:
    """Raises REFUSED for what `schalter` would refuse; in a sentence arguments may be left out."""
    group, rest = SCHALTERS, list(words)
    while isinstance(group, TyperGroup) and rest:
        found = group.get_command(typer.Context(group), rest[0])
        if found is None:
            raise typer.BadParameter(f"there is no command {rest[0]!r}")
        group, rest = found, rest[1:]
    if isinstance(group, TyperGroup):
        assert not whole, "a group alone does nothing"
        return
    try:
        group.parse_args(typer.Context(group), rest)
    except REFUSED as error:
        if whole or not re.search("Missing parameter|requires an argument", str(error)):
            raise


def test_there_is_something_to_look_at() -> None:
    assert len(SCHALTER) > 40
    assert len(MAKE) > 20
    assert len(COMPOSE) > 40


@pytest.mark.parametrize(("command", "words"), SCHALTER, ids=str)
def test_schalter_knows_it(command: Command, words: tuple[str, ...]) -> None:
    try:
        parse(words, whole=command.whole)
    except REFUSED as error:
        pytest.fail(f"{command}: {error}")


@pytest.mark.parametrize(
    ("words", "whole", "good"),
    [
        (("bus", "apply", "--check"), True, True),
        (("bus", "apply", "--chekc"), False, False),
        (("bus", "mend"), False, False),
        (("keys", "rotate", "seals"), True, False),
        (("clerks", "add", "demo"), True, False),
        (("clerks", "add", "demo"), False, True),
    ],
)
def test_what_does_not_exist_is_noticed(words: tuple[str, ...], *, whole: bool, good: bool) -> None:
    if good:
        parse(words, whole=whole)
    else:
        with pytest.raises(REFUSED):
            parse(words, whole=whole)


@pytest.mark.parametrize("command", MAKE, ids=str)
def test_make_knows_it(command: Command) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.M))
    for word in takewhile(lambda word: word != "#", command.words[1:]):
        name, is_variable, _ = word.partition("=")
        known = re.search(rf"\$\({name}\)|\$\(if \$\({name}\)", makefile) if is_variable else name in targets
        assert known, f"{command}: {word}"


@pytest.mark.parametrize("command", COMPOSE, ids=str)
def test_compose_has_the_parts_that_it_names(command: Command) -> None:
    """Parts stand after a command's options, capitals for one that the reader puts in."""
    words = [word for word in command.words[2:] if not word.startswith("-") and "=" not in word]
    verb, named = words[0] if words else "", words[1:]
    match verb:
        case "run":
            named = [word for word in named if word != "schalter"][:1]
        case "exec":
            named = named[:1]
        case "up" | "restart" | "logs" | "ps" | "stop" | "start":
            pass
        case _:
            return
    assert [name for name in named if name not in PARTS and not re.fullmatch(r"[A-Z]+|\$\w+", name)] == []


@pytest.mark.parametrize("block", blocks(OPERATIONS), ids=lambda block: f"line {block.line}")
def test_every_block_of_operations_says_who_walks_it(block: Block) -> None:
    assert MARK.fullmatch(block.mark), f"{block}: write <!-- walk: ... --> before it"
