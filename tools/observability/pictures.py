"""Pictures of dashboards, from a real Prometheus' figures: for whoever reads the docs and has no Grafana at hand."""

import io
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator
from matplotlib.transforms import ScaledTranslation
from PIL import Image
from tools.observability.asking import Line, Prometheus
from tools.observability.board import Board, Look, Panel, Unit

#: How long ago a picture begins, in seconds.
SPAN: Final = 300.0
_INK, _PALE, _EDGE, _GROUND = "#1f2733", "#6b7686", "#dfe3e8", "#f5f6f8"
_GOOD, _UNEASY, _BAD, _PLAIN = "#2e8b57", "#d98324", "#c0392b", "#2f5d9b"
_COLOURS: Final = ("#2f5d9b", "#d98324", "#2e8b57", "#8e5ea2", "#c0503c", "#3aa6a0", "#8a7a2f", "#5b6470")
_DPI: Final = 100
_COLUMN, _ROW, _GAP, _HEAD, _HEADING = 0.55, 0.36, 0.13, 0.85, 0.42  # inches
_COLUMNS: Final = 24
_NAME: Final = 30  # letters of a legend


def draw(board: Board, prometheus: Prometheus, file: Path) -> None:
    """Write a picture of `board` as it is now to `file` (PNG). All panels show one moment."""
    mpl.rcParams.update({"font.family": "sans-serif", "font.size": 8.5, "text.color": _INK, "axes.labelcolor": _PALE})
    places = list(_placed(board))
    height = max(top + panel.height * _ROW for panel, _, top in places) + _GAP
    width = _COLUMNS * _COLUMN + 2 * _GAP
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor=_GROUND)
    FigureCanvasAgg(figure)
    figure.text(_GAP * 2 / width, 1 - 0.5 / height, board.title, size=17, weight="bold", va="center")
    for row, top in _headings(board):
        figure.text(_GAP * 2 / width, 1 - (top + _HEADING * 0.72) / height, row, size=10.5, color=_PALE, va="center")
    end = time.time()
    for panel, left, top in places:
        box = (
            (left + _GAP / 2) / width,
            1 - (top + panel.height * _ROW) / height,
            (panel.width * _COLUMN - _GAP) / width,
            (panel.height * _ROW - _GAP) / height,
        )
        _panel(figure, panel, box, prometheus, end)
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=_DPI, facecolor=_GROUND)
    file.parent.mkdir(parents=True, exist_ok=True)
    # Few colours are enough, and make a third of the bytes.
    Image.open(drawn).convert("RGB").quantize(96).save(file, optimize=True)


def _rows(board: Board) -> Iterator[tuple[int, float, list[list[Panel]]]]:
    """Each row's index, where it begins (inches from the top), and its panels, line by line."""
    top = _HEAD
    for index, row in enumerate(board.rows):
        shelves: list[list[Panel]] = [[]]
        for panel in row.panels:
            if sum(each.width for each in shelves[-1]) + panel.width > _COLUMNS:
                shelves.append([])
            shelves[-1].append(panel)
        yield index, top, shelves
        top += _HEADING + sum(max(panel.height for panel in shelf) for shelf in shelves) * _ROW


def _headings(board: Board) -> Iterator[tuple[str, float]]:
    for index, top, _ in _rows(board):
        yield board.rows[index].title, top


def _placed(board: Board) -> Iterator[tuple[Panel, float, float]]:
    """Every panel with its left and upper edge, in inches."""
    for _, top, shelves in _rows(board):
        upper = top + _HEADING
        for shelf in shelves:
            left = _GAP
            for panel in shelf:
                yield panel, left, upper
                left += panel.width * _COLUMN
            upper += max(panel.height for panel in shelf) * _ROW


def _panel(
    figure: Figure, panel: Panel, box: tuple[float, float, float, float], prometheus: Prometheus, end: float
) -> None:
    left, bottom, width, height = box
    inches = figure.get_size_inches()
    card = FancyBboxPatch(
        (left, bottom),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=0.004",
        mutation_aspect=inches[0] / inches[1],
        facecolor="white",
        edgecolor=_EDGE,
        linewidth=0.8,
        zorder=-1,
        transform=figure.transFigure,
    )
    figure.patches.append(card)
    title = figure.text(
        left + 0.009, bottom + height - 0.17 / inches[1], panel.title, size=9, weight="bold", va="center"
    )
    if panel.look is Look.NUMBER:
        found = [line for query in panel.queries for line in prometheus.now(query.expr, end)]
        _number(figure, panel, box, found[0].points[-1][1] if found else math.nan)
        title.set_fontsize(8)
        title.set_color("white" if panel.limits else _INK)
        card.set_facecolor(_colour(panel, found[0].points[-1][1] if found else math.nan) if panel.limits else "white")
        return
    inner = (left + 0.5 / inches[0], bottom + 0.55 / inches[1], width - 0.65 / inches[0], height - 0.95 / inches[1])
    if panel.look is Look.BARS:
        inner = (left + 0.15 / inches[0], bottom + 0.15 / inches[1], width - 0.3 / inches[0], height - 0.5 / inches[1])
    axes = figure.add_axes(inner)
    axes.set_facecolor("none")
    if panel.look is Look.BARS:
        _bars(
            axes,
            panel,
            [(line.named(query.legend), line) for query in panel.queries for line in prometheus.now(query.expr, end)],
        )
    else:
        lines = [
            (line.named(query.legend), line)
            for query in panel.queries
            for line in prometheus.over(query.expr, end - SPAN, end)
        ]
        _lines(axes, panel, lines)


def _colour(panel: Panel, value: float) -> str:
    if not panel.limits or math.isnan(value):
        return _PLAIN
    uneasy, bad = panel.limits
    if panel.falling:
        return _GOOD if value >= bad else _BAD
    return _BAD if value >= bad else _UNEASY if value >= uneasy else _GOOD


def _number(figure: Figure, panel: Panel, box: tuple[float, float, float, float], value: float) -> None:
    left, bottom, width, height = box
    figure.text(
        left + width / 2,
        bottom + height * 0.40,
        _told(value, panel.unit),
        size=21,
        weight="bold",
        color="white" if panel.limits else _PLAIN,
        ha="center",
        va="center",
    )


def _bars(axes: Axes, panel: Panel, found: Sequence[tuple[str, Line]]) -> None:
    found = sorted(found, key=lambda one: -one[1].points[-1][1])[:8]
    values = [line.points[-1][1] for _, line in found]
    most = max([*values, 1e-12])
    for index, ((name, _), value) in enumerate(zip(found, values, strict=True)):
        axes.barh(index, most, color="#eef1f5", height=0.62)
        axes.barh(index, value, color="#a9c4e6", height=0.62)
        axes.text(most * 0.012, index, name[:52], va="center", size=8, color=_INK)
        axes.text(
            most * 0.988, index, _told(value, panel.unit), va="center", ha="right", size=8, weight="bold", color=_INK
        )
    axes.set_xlim(0, most)
    axes.set_ylim(max(4.5, len(found) - 0.4), -0.6)
    axes.axis("off")


def _lines(axes: Axes, panel: Panel, found: Sequence[tuple[str, Line]]) -> None:
    found = sorted(found, key=lambda one: one[0])
    colours = {name: _COLOURS[index % len(_COLOURS)] for index, (name, _) in enumerate(found)}
    if panel.look is Look.AREA:
        _stack(axes, found, colours)
    else:
        for name, line in found:
            moments, values = [at for at, _ in line.points], [value for _, value in line.points]
            axes.plot(moments, values, color=colours[name], linewidth=1.5, label=name)
            axes.fill_between(moments, values, color=colours[name], alpha=0.06, linewidth=0)
    top = axes.get_ylim()[1]
    axes.set_ylim(0, top if top > 0.001 and any(value for _, line in found for _, value in line.points) else 1)
    axes.margins(x=0)
    axes.grid(axis="y", color=_EDGE, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_EDGE)
    axes.tick_params(length=0, colors=_PALE, labelsize=7.5)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _told(value, panel.unit)))
    axes.xaxis.set_major_locator(MultipleLocator(60))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: time.strftime("%H:%M", time.gmtime(at))))
    handles, names = axes.get_legend_handles_labels()
    if names:
        columns = 2 if panel.width < 12 else 3
        shown = [name if len(name) <= _NAME else f"{name[: _NAME - 1]}…" for name in names]
        axes.legend(
            handles[: 2 * columns],
            shown[: 2 * columns],
            loc="upper left",
            bbox_to_anchor=(0, 0),
            bbox_transform=axes.transAxes + ScaledTranslation(-0.45, -0.2, axes.figure.dpi_scale_trans),
            ncols=columns,
            frameon=False,
            fontsize=7.5,
            handlelength=1,
            columnspacing=1.2,
            borderpad=0.1,
            labelspacing=0.2,
        )


def _stack(axes: Axes, found: Sequence[tuple[str, Line]], colours: dict[str, str]) -> None:
    """Lines on top of each other; a series that is not there at a moment counts nothing then."""
    moments = sorted({at for _, line in found for at, _ in line.points})
    base = [0.0] * len(moments)
    for name, line in found:
        values = dict(line.points)
        upper = [low + values.get(moment, 0.0) for low, moment in zip(base, moments, strict=True)]
        axes.fill_between(moments, base, upper, color=colours[name], alpha=0.75, linewidth=0, label=name)
        base = upper


def _told(value: float, unit: Unit) -> str:
    """A number as people read it."""
    if math.isnan(value):
        return "–"
    if unit is Unit.SECONDS:
        return (
            f"{value:.0f} s"
            if value >= 10 or value == 0
            else f"{value:.1f} s"
            if value >= 1
            else f"{value * 1000:.3g} ms"
        )
    if unit is Unit.SHARE:
        return f"{value * 100:.3g} %"
    if unit is Unit.BYTES:
        return f"{value / 1024 / 1024:.0f} MB"
    if unit is Unit.EUROS:
        return f"{value:.2f} €"
    suffix = {Unit.PER_SECOND: "/s", Unit.TIMES: "×"}.get(unit, "")
    return f"{value:.3g}{suffix}" if value < 1000 else f"{value:,.0f}{suffix}"
