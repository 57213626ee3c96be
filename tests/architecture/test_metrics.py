"""What every series keeps, so that dashboards and alerts can rely on it: a meaning, a name, labels that are bounded."""

import importlib
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from schalter import metrics
from schalter.chores import DESCRIBED, standing_in
from schalter.metrics import Series
from schalter.running.home import Home

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = CollectorRegistry()


#: A series for each route and status would be tens of thousands; schalter_http_responses_total has the statuses.
_BEGIN_LATE = {"schalter_http_request_seconds"}


@pytest.fixture(scope="module")
def declared() -> list[Series]:
    return metrics.declared(Home.find())


@pytest.fixture(scope="module")
def built(declared: list[Series]) -> None:
    """All processes are put together, and nothing has happened yet."""
    with standing_in(Home.find()):
        for module in DESCRIBED.values():
            importlib.import_module(module).build()


@pytest.mark.usefixtures("built")
def test_every_series_with_labels_is_there_before_anything_happens(declared: list[Series]) -> None:
    begun = {sample.name for told in REGISTRY.collect() for sample in told.samples}
    # Of other servers there is nothing to tell before they are asked.
    own = [series for series in declared if series.teller != "exporter"]
    labelled = [series for series in own if series.labels and series.name not in _BEGIN_LATE]
    names = {series.name: series.name + ("_count" if series.type == "histogram" else "") for series in labelled}
    assert [name for name, sample in names.items() if sample not in begun] == []


def test_every_series_has_a_meaning_a_name_by_the_scheme_and_bounded_labels(declared: list[Series]) -> None:
    assert [fault for series in declared for fault in series.faults()] == []


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (Counter("schalter_made_up_total", "", registry=NOWHERE), "what it means"),
        (Counter("schalter_made_urls_total", "Something.", ["url"], registry=NOWHERE), "'url'"),
        (Counter("schalter_made_for_total", "Something.", ["citizen_id"], registry=NOWHERE), "'citizen_id'"),
        (Gauge("made_up", "Something.", registry=NOWHERE), "is not named"),
        (Gauge("schalter_made_totals_total", "Something.", registry=NOWHERE), "no counter"),
        (Histogram("schalter_made_wait", "Something.", registry=NOWHERE), "no unit"),
    ],
)
def test_what_is_against_the_rules_is_said(made: Counter | Gauge | Histogram, fault: str) -> None:
    assert [said for said in Series.of(made, "nobody").faults() if fault in said]


def test_the_page_is_what_the_code_says() -> None:
    page = ROOT / "docs" / "metrics.md"
    assert page.read_text() == metrics.document(page, Home.find())


def test_no_series_is_left_out(declared: list[Series]) -> None:
    """A collector that no module holds under a name would be in no list."""
    told = {metric.name for metric in REGISTRY.collect() if metric.name.startswith("schalter_")}
    known = {series.name.removesuffix("_total").removesuffix("_info") for series in declared}
    assert told - known == set()
