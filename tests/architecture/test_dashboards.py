"""Dashboards are what the code says, and ask for nothing that nobody tells."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from tools.observability.__main__ import DASHBOARDS, files
from tools.observability.boards import ALL, money

from payment.model import LIVE, Reason
from payment.store import PAID_BUT_OPEN
from schalter import metrics
from schalter.running.home import Home

ROOT = Path(__file__).resolve().parents[2]
#: What Prometheus adds to what a process tells, what it tells itself, and what the client library tells of a process.
ADDED_LABELS = {"service", "instance", "job", "le", "slo", "alertname", "alertstate", "severity", "version"}
OTHERS = {"up", "ALERTS", "process_resident_memory_bytes", "process_cpu_seconds_total"}
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"\b([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\}|\b((?:schalter|process)[a-z0-9_:]+|up|ALERTS)\b")


def queries() -> Iterator[tuple[str, str, str]]:
    """Dashboard, panel and PromQL of everything that is asked."""
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                yield path.stem, panel["title"], target["expr"]


QUERIES = list(queries())


@pytest.fixture(scope="module")
def told() -> dict[str, set[str]]:
    """The labels of every series, by its name as Prometheus has it."""
    known: dict[str, set[str]] = {name: set() for name in OTHERS}
    for series in metrics.declared(Home.find()):
        suffixes = ("_bucket", "_sum", "_count") if series.type == "histogram" else ("",)
        known |= {series.name + suffix: set(series.labels) for suffix in suffixes}
    groups = yaml.safe_load((ROOT / "deploy" / "prometheus" / "slo.yml").read_text())["groups"]
    return known | {rule["record"]: set() for group in groups for rule in group["rules"] if "record" in rule}


def test_the_files_are_current() -> None:
    stale = [path.name for path, text in files().items() if not path.exists() or path.read_text() != text]
    assert stale == [], "make dashboards"
    assert set(DASHBOARDS.glob("*.json")) <= set(files())


@pytest.mark.parametrize(("board", "panel", "expr"), QUERIES, ids=lambda part: str(part)[:40])
def test_a_query_asks_for_what_is_told(board: str, panel: str, expr: str, told: dict[str, set[str]]) -> None:
    asked = {one or other for one, _, other in _SELECTOR.findall(_STRING.sub('""', expr))}
    assert asked <= set(told), f"{board}, {panel}: nobody tells this"
    labels = set().union(*(told[name] for name in asked)) | ADDED_LABELS
    used = {
        label
        for inside in re.findall(r"\{([^}]*)\}", _STRING.sub('""', expr))
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside)
    }
    used |= {label for group in re.findall(r"by \(([^)]*)\)", expr) for label in re.findall(r"\w+", group)}
    assert used <= labels, f"{board}, {panel}: no such label"


@pytest.mark.parametrize("board", ALL, ids=lambda board: board.uid)
def test_a_dashboard_fits_a_screens_width_row_by_row(board: Any) -> None:
    for row in board.rows:
        width = 0
        for panel in row.panels:
            width = panel.width if width + panel.width > 24 else width + panel.width
        assert width == 24, f"{board.title}, {row.title}: a hole at the right"


def test_every_dashboard_of_the_leads_is_there_in_both_languages() -> None:
    german, english = (json.loads((DASHBOARDS / f"day-{language}.json").read_text()) for language in ("de", "en"))
    assert [panel.get("targets") and [target["expr"] for target in panel["targets"]] for panel in german["panels"]] == [
        panel.get("targets") and [target["expr"] for target in panel["targets"]] for panel in english["panels"]
    ]
    assert german["title"] != english["title"]
    assert [board["templating"]["list"][0]["label"] for board in (german, english)] == ["Amt", "Office"]


def test_money_has_words_for_what_payment_tells_in_code() -> None:
    assert set(money.STATES) == set(LIVE)
    assert set(money.PAYMENTS) == {"authorised", "captured", "refunded", "voided", *get_args(Reason)} - {"declined"}
    assert set(money.KINDS) == set(PAID_BUT_OPEN)


def test_what_observes_is_pinned_stays_on_this_machine_and_finds_its_files() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name in ("prometheus", "alertmanager", "grafana"):
        service = services[name]
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        mounted = [volume.split(":")[0] for volume in service["volumes"] if volume.startswith("./")]
        assert all((ROOT / path).is_dir() for path in mounted)
    source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text())
    asked = {target["datasource"]["uid"] for path in DASHBOARDS.glob("*.json") for target in _targets(path)}
    assert asked == {source["datasources"][0]["uid"]}


def _targets(path: Path) -> Iterator[dict[str, Any]]:
    for panel in json.loads(path.read_text())["panels"]:
        yield from panel.get("targets", ())
