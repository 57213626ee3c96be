"""Our dashboards in Grafana's words, by Grafana's own SDK: what its schema does not know cannot be said."""

import json
from typing import Final

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from tools.observability.board import Board, Look, Panel

#: As deploy/grafana/provisioning/datasources names it.
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
_GOOD, _UNEASY, _BAD = "green", "orange", "red"


def rendered(board: Board) -> str:
    """The JSON that Grafana reads."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .tags(list(board.tags))
        .readonly()
        .time(f"now-{board.hours}h", "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("Schalter")
            .type(DashboardLinkType.DASHBOARDS)
            .tags(["schalter"])
            .as_dropdown(True)
            .keep_time(True)
        )
    )
    if board.offices:
        made.with_variable(_office(*board.offices))
    number = 0
    for row in board.rows:
        made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            number += 1
            made.with_panel(_BUILDERS[panel.look](panel, number))
    return json.dumps(made.build(), cls=JSONEncoder, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _office(series: str, label: str) -> dashboard.QueryVariable:
    """Which office is meant: all, until one is chosen."""
    return (
        dashboard.QueryVariable("office")
        .label(label)
        .datasource(SOURCE)
        .query(f"label_values({series}, office)")
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def _queries(panel: Panel, *, instant: bool) -> list[prometheus.Dataquery]:
    def query(index: int, expr: str, legend: str) -> prometheus.Dataquery:
        made = prometheus.Dataquery().ref_id(chr(ord("A") + index)).expr(expr).legend_format(legend).datasource(SOURCE)
        return made.instant() if instant else made.range()

    return [query(index, one.expr, one.legend) for index, one in enumerate(panel.queries)]


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    """The first colour is that of everything below the first limit."""
    if not panel.limits:
        steps = [Threshold(value=None, color="blue")]
    else:
        uneasy, bad = panel.limits
        first, last = (_BAD, _GOOD) if panel.falling else (_GOOD, _BAD)
        between = [Threshold(value=uneasy, color=_UNEASY)] if uneasy < bad else []
        steps = [Threshold(value=None, color=first), *between, Threshold(value=bad, color=last)]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _number(panel: Panel, id_: int) -> stat.Panel:
    return (
        stat.Panel()
        .id(id_)
        .title(panel.title)
        .description(panel.help)
        .datasource(SOURCE)
        .span(panel.width)
        .height(panel.height)
        .unit(panel.unit)
        .color_mode(BigValueColorMode.BACKGROUND if panel.limits else BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(panel))
        .targets(list(_queries(panel, instant=False)))
    )


def _bars(panel: Panel, id_: int) -> bargauge.Panel:
    return (
        bargauge.Panel()
        .id(id_)
        .title(panel.title)
        .description(panel.help)
        .datasource(SOURCE)
        .span(panel.width)
        .height(panel.height)
        .unit(panel.unit)
        .min(0)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(panel))
        .targets(list(_queries(panel, instant=True)))
    )


def _lines(panel: Panel, id_: int) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .id(id_)
        .title(panel.title)
        .description(panel.help)
        .datasource(SOURCE)
        .span(panel.width)
        .height(panel.height)
        .unit(panel.unit)
        .min(0)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .line_width(2)
        .fill_opacity(8)
        .show_points(VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .show_legend(True)
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .targets(list(_queries(panel, instant=False)))
    )
    if panel.look is Look.AREA:
        made.fill_opacity(40).line_width(1).stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    return made


_BUILDERS: Final = {Look.NUMBER: _number, Look.BARS: _bars, Look.LINES: _lines, Look.AREA: _lines}
