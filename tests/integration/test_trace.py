"""One booking is one trace from the gateway to the mail server, and `schalter trace` shows its whole way."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from collector import Collector, Told, collecting
from people import Citizen
from system import ROOT, System, eventually

from schalter.embedded import free_port

pytestmark = pytest.mark.journey
NAME = "Trudhild Plantedname"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def traced(servers_dir: Path, collector: Collector) -> Iterator[System]:
    with System(servers_dir / "traced", free_port(), settings={"SCHALTER_TRACES_ENDPOINT": collector.url}) as system:
        yield system


@pytest.fixture(scope="module")
def citizen(traced: System) -> Citizen:
    citizen = Citizen.books(traced, name=NAME)
    assert citizen.mail("Videotermin")
    return citizen


def trace(system: System, *asked: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from schalter.main import app; app()", "trace", *asked]
    command += ["--var", str(system.var)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def lines(system: System, asked: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(trace(system, asked, "--json").stdout)["lines"]
    return found


def test_a_booking_is_one_trace(collector: Collector, citizen: Citizen) -> None:
    def whole() -> list[Told] | None:
        taken = collector.spans
        booked = [
            span.trace_id for span in taken if span.name.startswith("POST") and span.name.endswith("/appointments")
        ]
        spans = [span for span in taken if span.trace_id in booked]
        names = {(span.service, span.name) for span in spans}
        wanted = {
            ("gateway", "gateway"),
            ("booking", "publish booking.completed.v1"),
            ("notify", "handle booking.completed.v1"),
            ("notify", "send confirmation"),
            ("casework", "handle booking.completed.v1"),
            ("signaling", "handle booking.completed.v1"),
        }
        asked = any("INSERT" in name for service, name in names if service == "booking")
        ids = {span.span_id for span in spans} | {""}
        # Each process sends by itself: a child may be there before its parent. None hangs in the air for good.
        return spans if wanted <= names and asked and all(span.parent_id in ids for span in spans) else None

    spans = {span.span_id: span for span in eventually(whole, what="the whole trace")}
    roots = [span for span in spans.values() if not span.parent_id]
    assert [(root.service, root.name) for root in roots] == [("gateway", "gateway")]

    mail = next(span for span in spans.values() if span.name == "send confirmation")
    way = [mail]
    while way[-1].parent_id:
        way.append(spans[way[-1].parent_id])
    assert [span.service for span in way] == ["notify", "notify", "booking", "gateway"]


def test_a_trace_tells_nobody_s_data(collector: Collector, citizen: Citizen, traced: System) -> None:
    httpx.get(f"{traced.url}/api/booking/appointment?planted=secretquery", headers={"X-Planted": "secretheader"})
    token = citizen.booked["link"].rpartition("#")[2]
    raw = collector.raw
    assert raw
    for secret in (
        NAME,
        "Plantedname",
        citizen.email,
        "@example",
        token[-20:],
        "Videotermin",
        "secretquery",
        "127.0.0.1",
    ):
        assert secret not in raw, secret


def test_the_whole_way_of_a_booking_is_shown_from_its_number(traced: System, citizen: Citizen) -> None:
    number = citizen.booked["reference"]

    def whole() -> set[tuple[str, str]] | None:
        told = {(line["service"], line["event"]) for line in lines(traced, number)}
        wanted = {
            ("booking", "request"),
            ("booking", "published"),
            *((service, "handled") for service in ("notify", "casework", "signaling")),
            ("notify", "mail"),
            ("notify", "published"),
        }
        return told if wanted <= told else None

    eventually(whole, what="all steps are in the logs")
    shown = lines(traced, number)
    (booked,) = [line for line in shown if line.get("route", "").endswith("/appointments")]
    assert (booked["method"], booked["status"]) == ("POST", 201)
    assert all(line["trace_id"] and line["service"] for line in shown)
    assert [line["timestamp"] for line in shown] == sorted(line["timestamp"] for line in shown)
    for same in (booked["correlation_id"], booked["trace_id"]):
        assert {json.dumps(line) for line in lines(traced, same)} <= {json.dumps(line) for line in shown}
        assert any(line["event"] == "mail" for line in lines(traced, same))
    piped = trace(traced, booked["correlation_id"]).stdout.splitlines()
    assert any("mail confirmation: delivered" in line for line in piped)


def test_the_reference_of_an_error_leads_to_its_lines(traced: System) -> None:
    refused = httpx.get(f"{traced.url}/api/booking/appointment", headers={"Authorization": "Bearer x"})
    reference = refused.json()["correlation_id"]
    (line,) = eventually(lambda: lines(traced, reference), what="the refusal is told")
    assert (line["event"], line["status"]) == ("request", refused.status_code)


def test_of_what_nobody_knows_nothing_is_shown(traced: System) -> None:
    nothing = trace(traced, "0" * 32)
    assert (nothing.returncode, nothing.stdout) == (2, "")
