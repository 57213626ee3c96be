"""A dashboard as we think of it: rows of panels that ask Prometheus. Grafana's JSON and the pictures are made of it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Look(StrEnum):
    """How a panel shows what it asks for."""

    NUMBER = "number"  # the last value, large, coloured by `limits`
    LINES = "lines"
    AREA = "area"  # lines on top of each other
    BARS = "bars"  # the last values, one bar each


class Unit(StrEnum):
    """Grafana's names of units."""

    COUNT = "short"
    SECONDS = "s"
    SHARE = "percentunit"
    BYTES = "bytes"
    PER_SECOND = "reqps"
    EUROS = "currencyEUR"
    TIMES = "x"


@dataclass(frozen=True)
class Query:
    """PromQL, and what its series are called: `{{label}}` stands for the label's value."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One question. `limits`: from which value on it is uncomfortable, and from which bad; `width` of 24 columns."""

    title: str
    look: Look
    queries: tuple[Query, ...]
    unit: Unit = Unit.COUNT
    limits: tuple[float, ...] = ()
    help: str = ""
    width: int = 8
    height: int = 7
    falling: bool = False  # small is bad


@dataclass(frozen=True)
class Row:
    """Panels beside each other, under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Board:
    """A dashboard. `hours`: what it shows at first.

    `offices`: where one office can be chosen (`$office`), the series that knows them, and what the choice is called.
    """

    uid: str
    title: str
    rows: tuple[Row, ...]
    hours: int = 6
    tags: tuple[str, ...] = ("schalter",)
    offices: tuple[str, str] | None = None
    panels: tuple[Panel, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "panels", tuple(panel for row in self.rows for panel in row.panels))


def number(
    title: str,
    expr: str,
    *limits: float,
    unit: Unit = Unit.COUNT,
    width: int = 4,
    help: str = "",
    falling: bool = False,
) -> Panel:
    """The last value, large: green below the first of `limits`, red from the last on; `falling`: turned round."""
    return Panel(title, Look.NUMBER, (Query(expr, title),), unit, limits, help, width, height=4, falling=falling)


def lines(title: str, *queries: tuple[str, str], unit: Unit = Unit.COUNT, width: int = 8, help: str = "") -> Panel:
    """Lines over time; `queries` are (legend, PromQL)."""
    return Panel(title, Look.LINES, _queries(queries), unit, help=help, width=width)


def area(title: str, *queries: tuple[str, str], unit: Unit = Unit.COUNT, width: int = 8, help: str = "") -> Panel:
    """Lines on top of each other."""
    return Panel(title, Look.AREA, _queries(queries), unit, help=help, width=width)


def bars(title: str, *queries: tuple[str, str], unit: Unit = Unit.COUNT, width: int = 8, help: str = "") -> Panel:
    """A bar for each series' last value."""
    return Panel(title, Look.BARS, _queries(queries), unit, help=help, width=width)


def _queries(queries: tuple[tuple[str, str], ...]) -> tuple[Query, ...]:
    return tuple(Query(expr, legend) for legend, expr in queries)
