"""Pages of the docs of which a part is made from the code."""

from pathlib import Path

from schalter.embedded import SchalterError


def with_part(page: Path, begin: str, end: str, part: str) -> str:
    """What `page` reads with `part` between its marks `begin` and `end`. Raises SchalterError without marks."""
    head, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found_end, tail = rest.partition(end)
    if not found or not found_end:
        raise SchalterError(f"{page} has no place for what is made. Mark it: {begin} and {end}")
    return f"{head}{begin}\n\n{part}\n{end}{tail}"


def write(page: Path, text: str, *, check: bool, command: str) -> None:
    """Writes `text` to `page` where it differs. Raises SchalterError naming `command` if it only has to `check`."""
    if text == page.read_text(encoding="utf-8"):
        return
    if check:
        raise SchalterError(f"{page} is out of date. Write it anew: {command} {page}")
    page.write_text(text, encoding="utf-8")


def row(*parts: str) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(part.replace('|', chr(92) + '|') for part in parts)} |"
