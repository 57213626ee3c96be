"""`schalter trace`: the way of one request or appointment through all services, read from their logs."""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import orjson
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from schalter.embedded import SchalterError

Line = Mapping[str, object]

#: What joins lines: one request's correlation and trace, and the event, for what is done later because of it.
_JOINS: Final = ("correlation_id", "trace_id", "event_id", "cause_id")
#: What a line may be asked for besides: the appointment, a mail.
_NAMES: Final = ("about", "appointment_id", "message_id")
_NUMBER: Final = re.compile(r"[A-Z]{1,4}-[0-9A-Z]{4,12}")
#: What every line has, or what is told in words of its own.
_TOLD: Final = frozenset((*_JOINS, *_NAMES, "event", "level", "service", "timestamp", "exception", "ms"))


@dataclass(frozen=True)
class Way:
    """All lines about one thing, oldest first."""

    wanted: str
    lines: Sequence[Line]


def is_number(text: str) -> bool:
    """Whether `text` looks like an appointment's number."""
    return _NUMBER.fullmatch(text.strip().upper()) is not None


def sources(where: str | None, logs: Path) -> Iterator[Iterable[str]]:
    """The lines of `where`: `-` for standard input, a file, all logs of a folder; without it those of `make up`.

    Raises SchalterError when there is nothing to read.
    """
    if where == "-":
        yield (line.decode(errors="replace") for line in sys.stdin.buffer)
        return
    path = Path(where) if where else logs
    files = [path] if path.is_file() else sorted(path.glob("*.log*")) if path.is_dir() else []
    if not files:
        raise SchalterError(f"There are no logs in {path}. Name a folder or a file, or pipe them in: ... | trace ID -")
    for file in files:
        with file.open(errors="replace") as lines:
            yield lines


def read(lines: Iterable[str]) -> Iterator[Line]:
    """Those of `lines` that a service wrote, whatever stands before them (compose's prefix); others are passed over."""
    for text in lines:
        begin = text.find("{")
        if begin < 0 or '"timestamp"' not in text:
            continue
        try:
            line = orjson.loads(text[begin:])
        except orjson.JSONDecodeError:
            continue
        if isinstance(line, dict) and _is_ours(line):
            yield line


def _is_ours(line: Line) -> bool:
    """Whether it has what every line of a service has, in its form, and ids that are text."""
    if not all(isinstance(line.get(name), str) for name in ("event", "service", "timestamp")):
        return False
    if not all(isinstance(line.get(name), str | None) for name in (*_JOINS, *_NAMES)):
        return False
    try:
        return _at(line).utcoffset() == timedelta(0)
    except ValueError:
        return False


def _at(line: Line) -> datetime:
    return datetime.fromisoformat(str(line["timestamp"]))


def follow(lines: Iterable[Line], wanted: str) -> Way:
    """What `lines` tell of `wanted`: a reference of an error, a trace, an event, a mail, an appointment (its id).

    Whatever belongs to the same requests follows, and what was done because of their events, also days later.
    """
    rest = [line for line in lines if any(name in line for name in (*_JOINS, *_NAMES))]
    found = [line for line in rest if wanted in {line.get(name) for name in (*_JOINS, *_NAMES)}]
    known: set[object] = {wanted}
    fresh = found
    while fresh:
        met = {line[name] for line in fresh for name in _JOINS if line.get(name)} - known
        known |= met
        taken = {id(line) for line in found}
        fresh = [line for line in rest if id(line) not in taken and met.intersection(line.get(n) for n in _JOINS)]
        found += fresh
    return Way(wanted, sorted(found, key=lambda line: str(line["timestamp"])))


def as_json(way: Way) -> str:
    """The lines themselves, for programs."""
    return json.dumps({"id": way.wanted, "lines": [dict(line) for line in way.lines]}, indent=1) + "\n"


def plain(way: Way) -> Iterator[str]:
    """A line each, for pipes: instant, service, what happened, after how long, details; separated by tabs."""
    for line in way.lines:
        yield "\t".join((str(line["timestamp"]), *_cells(line)))


def shown(way: Way) -> RenderableType:
    """A tree for people: each request with all that it led to, in the order of time."""
    requests: dict[object, list[Line]] = {}
    for line in way.lines:
        requests.setdefault(line.get("correlation_id") or line.get("trace_id"), []).append(line)
    trees = []
    for reference, lines in requests.items():
        began = _at(lines[0])
        named = _printable(str(reference or "no request"))
        tree = Tree(Text.assemble((f"{began:%Y-%m-%d %H:%M:%S} UTC ", "bold"), (named, "dim")))
        tree.add(_table(lines, began))
        trees.append(tree)
    return Group(*trees)


def _table(lines: Sequence[Line], began: datetime) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    for line in lines:
        after = (_at(line) - began).total_seconds()
        service, happened, *more = map(Text, _cells(line))
        if line.get("level") in ("warning", "error"):
            happened.stylize("bold red")
        table.add_row(f"+{after:.3f} s", service, happened, *more)
    return table


def _cells(line: Line) -> tuple[str, ...]:
    """Service, what happened, after how long, details: fit for a terminal, and for a line of a table."""
    return tuple(map(_printable, (str(line["service"]), what(line), _took(line), _details(line))))


def _printable(text: str) -> str:
    """`text` without what steers a terminal or a program that reads lines: a log tells what strangers sent, too."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def what(line: Line) -> str:
    """What happened, in a few words."""
    match line["event"]:
        case "request":
            return f"{line.get('method')} {line.get('route')}: {line.get('status')}"
        case "published":
            return f"published {line.get('subject')}"
        case "handled":
            return f"handled {line.get('subject')}: {line.get('outcome')}"
        case "mail":
            sent = "short message" if line.get("channel") == "sms" else "mail"
            return f"{sent} {line.get('kind')}: {line.get('outcome')}"
        case other:
            said = str(line.get("exception", "")).strip().rpartition("\n")[2]
            return f"{other}: {said}" if said else str(other)


def _took(line: Line) -> str:
    return f"{line['ms']} ms" if "ms" in line else ""


def _details(line: Line) -> str:
    shown = {"request": ("tries",), "published": (), "handled": ("tries", "together"), "mail": ("tries",)}
    names = shown.get(str(line["event"]), tuple(name for name in line if name not in _TOLD))
    return " ".join(f"{name}={line[name]}" for name in names if name in line and (name, line[name]) != ("tries", 1))
