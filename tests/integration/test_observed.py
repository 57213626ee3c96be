"""Operators see what happens: every panel shows something after the story, and outages raise their alerts.

The system is the real one, looked at by a real Prometheus with production's rules. SCHALTER_PICTURES names a folder for
pictures of all dashboards (`make dashboards PICTURES=1`). It takes three minutes: `make observed`; that panels and
rules name series that there are is in every run (tests/architecture/test_dashboards.py).
"""

import asyncio
import itertools
import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import pytest
import yaml
from events import connect
from people import Citizen, Clerk, free_slots, ok
from system import ROOT, System, eventually
from tools.observability import asking
from tools.observability.boards import ALL
from tools.observability.pictures import draw

from contracts.topology import SERVICES
from schalter.embedded import Prometheus, free_port, observers
from schalter.running.plan import CHECK, EXPORTER

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(os.environ.get("SCHALTER_OBSERVED") != "1", reason="minutes: make observed"),
    pytest.mark.skipif(
        not (observers.found("prometheus") and observers.found("alertmanager")),
        reason=f"Prometheus is not installed: {observers.HOW_TO_INSTALL}",
    ),
]

RULES: Final = ROOT / "deploy" / "prometheus"
#: How long the traffic lasts: pictures want more than a test does.
SECONDS: Final = 240 if os.environ.get("SCHALTER_PICTURES") else 0
QUERIES: Final = [
    (board.title, panel.title, query.expr) for board in ALL for panel in board.panels for query in panel.queries
]


@pytest.fixture(scope="module")
def system(servers_dir: Path) -> Iterator[System]:
    """A system of its own, observed: outages and a dead letter are nothing for the other journeys."""
    with System(servers_dir / "observed", free_port(), observe=True) as system:
        yield system


@pytest.fixture(scope="module")
def prometheus(system: System, servers_dir: Path) -> Iterator[asking.Prometheus]:
    """One that has seen the story."""
    targets = {service: system.state["ports"][service] for service in (*SERVICES, CHECK, EXPORTER)}
    rules = [RULES / "alerts.yml", RULES / "slo.yml"]
    with Prometheus(servers_dir / "prometheus", free_port(), rules=rules, targets=targets, every="1s") as server:
        seen = asking.Prometheus(f"http://127.0.0.1:{server.port}")
        eventually(lambda: len(seen.now("up == 1")) == len(targets), 30, "all are scraped")
        time.sleep(2)
        began = time.monotonic()
        _story(system)
        for turn in itertools.takewhile(lambda _: time.monotonic() - began < SECONDS, itertools.count()):
            _traffic(system, turn)
        eventually(lambda: seen.now("schalter:slo_bad:ratio3d"), 60, "the promises are judged")
        yield seen


def _story(system: System) -> None:
    """A citizen from booking to receipt, one who moves and cancels."""
    citizen, clerk = Citizen.books(system), Clerk(system)
    case_id = clerk.finds(citizen)["case_id"]
    _around_the_call(system, citizen, clerk)
    clerk.does(case_id, "assignment")
    clerk.identifies(case_id)
    (application,) = clerk.case(case_id)["applications"]
    clerk.fills_in(case_id, application)
    (shown,) = citizen.case()["applications"]
    citizen.confirms(shown)
    assert citizen.signs(shown).is_success
    clerk.does(case_id, "payment-request")
    citizen.pays()
    eventually(lambda: clerk.case(case_id)["payment"]["state"] == "authorised", what="casework hears of it")
    clerk.does(case_id, "completion")
    assert citizen.mail("Quittung")
    other = Citizen.books(system, language="en")
    assert other.mail("Your video appointment")
    ok(other.http.post("/booking/appointment/cancellation"))
    assert other.mail("is cancelled")


def _around_the_call(system: System, citizen: Citizen, clerk: Clerk) -> None:
    """Tests the equipment, asks to enter, is looked up: more than once, for a rate needs two sights of a series."""
    result = {"outcome": "good", "rtt_ms": 20, "camera": True, "microphone": True, "network": True}
    bearer = {"Authorization": clerk.http.headers["Authorization"]}
    messages = f"{system.url}/api/notify/appointments/{citizen.appointment_id}/messages"
    for _ in range(3):
        assert citizen.http.post("/signaling/check/results", json=result).status_code == 204
        ok(citizen.http.post("/signaling/tickets", json={}))
        ok(httpx.get(messages, headers=bearer, timeout=10))
        time.sleep(1.2)


def _traffic(system: System, turn: int) -> None:
    """A little of everything, as a day has it: waves of bookings, and now and then somebody's whole way."""
    if turn % 5 == 4:
        _story(system)
    slots = free_slots(system)
    for index in range(2 + turn % 4):
        citizen = Citizen.books(system, slot=slots[5 + index])
        ok(citizen.http.get("/booking/appointment"))
        httpx.get(f"{system.url}/api/booking/offices/demo/slots", params={"services": "nothing"}, timeout=10)
        if (turn + index) % 5 == 0:
            ok(citizen.http.post("/booking/appointment/cancellation"))
        time.sleep(0.2)
    time.sleep(1 + turn % 3)


@pytest.mark.parametrize(("board", "panel", "expr"), QUERIES, ids=lambda part: str(part)[:50])
def test_every_panel_shows_something_after_the_story(
    board: str, panel: str, expr: str, prometheus: asking.Prometheus
) -> None:
    values = [value for line in prometheus.now(expr) for _, value in line.points]
    if not values:  # what happened has left the last minute, as the other panels were asked
        lines = prometheus.over(expr, time.time() - 600, time.time())
        values = [value for line in lines for _, value in line.points]
    assert [value for value in values if not math.isnan(value)], f"{board}, {panel} is empty: {expr}"


def test_every_rule_can_be_asked_and_nothing_fires_on_a_good_day(prometheus: asking.Prometheus) -> None:
    for rule in _rules():
        prometheus.now(rule["expr"])
    groups = httpx.get(f"{prometheus.url}/api/v1/rules", timeout=10).json()["data"]["groups"]
    ill = {rule["name"]: rule["lastError"] for group in groups for rule in group["rules"] if rule.get("lastError")}
    assert ill == {}
    assert prometheus.now('ALERTS{alertstate="firing"}') == []


@pytest.mark.skipif(not SECONDS, reason="SCHALTER_PICTURES names no folder")
def test_pictures_of_all_dashboards(prometheus: asking.Prometheus) -> None:
    folder = Path(os.environ["SCHALTER_PICTURES"])
    for board in ALL:
        draw(board, prometheus, folder / f"dashboard-{board.uid.removeprefix('schalter-')}.png")


def _rules() -> list[dict[str, Any]]:
    files = [yaml.safe_load((RULES / file).read_text()) for file in ("alerts.yml", "slo.yml")]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def _alert(name: str) -> str:
    """What the alert asks, without how long it waits before it fires."""
    return str(next(rule["expr"] for rule in _rules() if rule.get("alert") == name))


@contextmanager
def _hanging(system: System, part: str) -> Iterator[None]:
    """`part` is there and does nothing."""
    main = psutil.Process(int(system.state["pids"][part]))
    family = [main, *main.children(recursive=True)]
    for process in family:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            process.send_signal(signal.SIGCONT)
        eventually(lambda: all(system.healthy(service) for service in SERVICES), 90, "all are well again")


def _by(prometheus: asking.Prometheus, expr: str, *labels: str) -> set[tuple[str, ...]]:
    return {tuple(line.labels[label] for label in labels) for line in prometheus.now(expr)}


def test_a_database_that_hangs_raises_an_alarm_for_every_service(system: System, prometheus: asking.Prometheus) -> None:
    wanted = {(service, "database") for service in SERVICES}
    with _hanging(system, "postgres"):
        eventually(lambda: _by(prometheus, _alert("NotReady"), "service", "part") >= wanted, 60, "NotReady")
    eventually(lambda: not prometheus.now(_alert("NotReady")), 60, "it rests again")


def test_a_bus_that_is_away_raises_an_alarm_and_what_waits_is_counted(
    system: System, prometheus: asking.Prometheus
) -> None:
    with _hanging(system, "nats"):
        Citizen.books(system)
        eventually(
            lambda: _by(prometheus, _alert("BusAway"), "service") == {(service,) for service in SERVICES},
            90,
            "BusAway",
        )
        late = _alert("EventsWaiting").replace("> 60", "> 5")
        eventually(lambda: ("booking",) in _by(prometheus, late, "service"), 60, "EventsWaiting")
    eventually(lambda: not prometheus.now(_alert("BusAway")), 60, "it rests again")
    eventually(lambda: not prometheus.now(late), 60, "what waited is out")


def test_a_mail_server_that_is_away_is_seen_by_the_age_of_what_waits(
    system: System, prometheus: asking.Prometheus
) -> None:
    late = _alert("MessagesWait").replace("> 900", "> 5")
    httpx.put(f"{system.url}/mail/api/faults", json={"defer": 1.0}, timeout=10)
    try:
        # One to whom the server says "later" would have a full mailbox.
        (citizen, *_) = [Citizen.books(system, slot=slot) for slot in free_slots(system)[5:9]]
        eventually(lambda: ("mail",) in _by(prometheus, late, "channel"), 60, "MessagesWait")
    finally:
        httpx.put(f"{system.url}/mail/api/faults", json={}, timeout=10)
    assert citizen.mail("Videotermin", seconds=120)


def test_the_first_dead_letter_raises_an_alarm(system: System, prometheus: asking.Prometheus) -> None:
    async def publish() -> None:
        client = await connect(system)
        await client.jetstream().publish("casework.case_completed.v1", b"no event")
        await client.close()

    asyncio.run(publish())
    eventually(lambda: prometheus.now(_alert("DeadLetters")), 90, "DeadLetters")
