"""`schalter trace` joins the lines of one request over all services, and of what was done because of it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from schalter import way
from schalter.embedded import SchalterError

BOOKED: list[dict[str, Any]] = [
    {"event": "request", "service": "booking", "correlation_id": "c1", "trace_id": "t1", "method": "POST",
     "route": "/bookings", "status": 201, "ms": 4.2},
    {"event": "published", "service": "booking", "correlation_id": "c1", "trace_id": "t1", "event_id": "e1",
     "subject": "booking.completed.v1", "about": "a1", "ms": 3},
    {"event": "handled", "service": "notify", "correlation_id": "c1", "trace_id": "t1", "event_id": "e1",
     "subject": "booking.completed.v1", "outcome": "done", "tries": 2, "ms": 5},
    {"event": "mail", "service": "notify", "cause_id": "e1", "about": "a1", "kind": "confirmation",
     "outcome": "delivered", "channel": "mail", "tries": 1, "ms": 9},
    {"event": "unexpected_error", "level": "error", "service": "casework", "correlation_id": "c1",
     "exception": "Traceback\n  somewhere\nValueError: what"},
]  # fmt: skip
OTHERS: list[dict[str, Any]] = [
    {"event": "request", "service": "booking", "correlation_id": "c2", "trace_id": "t2", "method": "POST",
     "route": "/holds", "status": 201},
    {"event": "started", "service": "booking"},
]  # fmt: skip


def stamped(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line | {"timestamp": f"2026-12-01T08:00:0{n}.000000Z"} for n, line in enumerate(lines)]


LINES = stamped([*BOOKED, *OTHERS])


@pytest.mark.parametrize("wanted", ["c1", "t1", "e1", "a1"])
def test_whatever_names_it_leads_to_all_of_it(wanted: str) -> None:
    assert way.follow(reversed(LINES), wanted).lines == LINES[:5]


def test_what_is_another_request_is_left_out() -> None:
    assert [line["route"] for line in way.follow(LINES, "c2").lines] == ["/holds"]
    assert way.follow(LINES, "nobody").lines == []


def test_the_same_error_joins_nobody() -> None:
    """Also as the version before wrote it, under the name that the event of a mail had."""
    error = {"event": "mail_not_taken", "level": "warning", "service": "notify", "cause": "SMTPConnectError"}
    lines = stamped([error | {"correlation_id": each, "error": "SMTPConnectError"} for each in ("c1", "c2")])
    assert way.follow(lines, "c1").lines == lines[:1]


def test_lines_are_found_in_whatever_compose_writes() -> None:
    text = f"""booking-1  | {json.dumps(LINES[0])}
gateway-1  | {{"level":"info","ts":1}}
not json {{"timestamp"
{json.dumps(LINES[1])}
"""
    assert list(way.read(io.StringIO(text))) == LINES[:2]


def test_it_is_shown_by_time_and_service(tmp_path: Path) -> None:
    found = way.follow(LINES, "c1")
    plain = [line.split("\t") for line in way.plain(found)]
    assert [(service, what) for _, service, what, *_ in plain] == [
        ("booking", "POST /bookings: 201"),
        ("booking", "published booking.completed.v1"),
        ("notify", "handled booking.completed.v1: done"),
        ("notify", "mail confirmation: delivered"),
        ("casework", "unexpected_error: ValueError: what"),
    ]
    assert plain[0][3] == "4.2 ms"
    assert plain[2][4] == "tries=2"
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(way.shown(found))
    shown = console.export_text()
    assert "2026-12-01 08:00:00 UTC c1" in shown
    assert "+1.000 s  booking" in shown
    assert len(json.loads(way.as_json(found))["lines"]) == 5


def on_a_terminal(line: dict[str, Any]) -> str:
    out = io.StringIO()
    Console(file=out, force_terminal=True, width=200).print(way.shown(way.Way("e", stamped([line]))))
    return out.getvalue()


@pytest.mark.parametrize("said", ["no [/x] here", "[link=https://evil.example]ok[/link]", "[red]"])
def test_what_a_log_says_is_no_markup(said: str) -> None:
    assert said in on_a_terminal({"event": "dead_letter", "service": said, "event_id": "e", "reason": said})


@pytest.mark.parametrize("steers", list("\x1b\x9b\x07\x00\r\n\t\u202e\u2028\udcff"), ids=ascii)
@pytest.mark.parametrize("name", ["reason", "exception", "service", "event", "correlation_id", "ms"])
def test_what_a_log_says_steers_neither_terminal_nor_reader(steers: str, name: str) -> None:
    line = {"event": "dead_letter", "service": "notify", "event_id": "e", name: f"a{steers}b"}
    shown = on_a_terminal(line)
    assert f"a{steers}b" not in shown
    assert shown.count("\n") == on_a_terminal(line | {name: "ab"}).count("\n")
    (piped,) = way.plain(way.Way("e", stamped([line])))
    assert f"a{steers}b" not in piped
    assert piped.count("\t") == 4


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": "soon"},
        {"timestamp": 1},
        {"timestamp": "2026-12-01T08:00:00"},
        {"timestamp": "0001-01-01T00:00:00+14:00"},
        {"event": None},
        {"service": ["notify"]},
        {"event_id": ["e"]},
        {"correlation_id": {"e": 1}},
        {"about": 7},
    ],
)
def test_what_is_no_line_of_ours_is_passed_over(change: dict[str, Any]) -> None:
    ours = {"event": "x", "service": "y", "timestamp": "2026-12-01T08:00:00Z", "event_id": "e", "trace_id": None}
    assert list(way.read([json.dumps(ours | change), json.dumps(ours)])) == [ours]


def test_standard_input_may_hold_any_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"\xff\xfe\n" + json.dumps(LINES[0]).encode() + b"\n"), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stdin)
    assert [line for source in way.sources("-", tmp_path) for line in way.read(source)] == LINES[:1]


def test_logs_are_a_folder_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "booking.log").write_text(json.dumps(LINES[1]) + "\n")
    (tmp_path / "booking.log.1").write_text(json.dumps(LINES[0]) + "\n")
    for where, count in ((None, 2), (str(tmp_path), 2), (str(tmp_path / "booking.log"), 1)):
        assert len([line for source in way.sources(where, tmp_path) for line in way.read(source)]) == count
    with pytest.raises(SchalterError, match="no logs"):
        list(way.sources(str(tmp_path / "nothing"), tmp_path))


@pytest.mark.parametrize(("text", "is_one"), [("HD-7K3M9Q", True), ("hd-7k3m9q", True), ("0" * 32, False), ("", False)])
def test_an_appointment_s_number_is_known_by_its_form(text: str, is_one: bool) -> None:
    assert way.is_number(text) is is_one
