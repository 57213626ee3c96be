"""What `schalter status` and `schalter doctor` print: one cause once, in whole sentences, on a narrow terminal."""

import asyncio
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console, RenderableType

from contracts.topology import SERVICES
from schalter import status
from schalter.bus import Difference, Thing
from schalter.doctor import command, inside
from schalter.doctor.model import Finding, Patient, examine
from schalter.status import Seen, Status

PATIENT = cast(Patient, SimpleNamespace(installation=SimpleNamespace(advice=str)))
AWAY = Finding("bus", "cannot be reached", "docker compose ps nats")
LATE = {"schalter_outbox_oldest_seconds": 100.0}


def printed(what: RenderableType) -> list[str]:
    console = Console(record=True, width=80, file=io.StringIO())
    console.print(what)
    return [line.rstrip() for line in console.export_text().splitlines()]


def examined(monkeypatch: pytest.MonkeyPatch, seen: Sequence[Seen], *stores: Finding) -> list[Finding]:
    async def said(_: Patient) -> Sequence[Finding]:
        return stores

    monkeypatch.setattr(inside, "look_at_services", lambda _: seen)
    return asyncio.run(examine(PATIENT, [("stores", said), ("services", inside.services)]))


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (Seen("booking", ("bus",), LATE), AWAY),
        (Seen("booking", ("topology",)), AWAY),
        (Seen("booking", ("topology",)), inside._difference(Difference(Thing("X", "BOOKING", {}), "missing"))),
        (Seen("booking", ("database",)), Finding("database of booking", "has no tables", "Start it.")),
        (Seen("booking", ("database",)), Finding("databases", "did not answer within 20 s", "Is a firewall between?")),
        (Seen("signaling", ("redis",)), Finding("Redis", "cannot be reached", "docker compose ps redis")),
    ],
)
def test_one_cause_is_told_once(monkeypatch: pytest.MonkeyPatch, seen: Seen, cause: Finding) -> None:
    assert examined(monkeypatch, [seen], cause) == [cause]
    found = examined(monkeypatch, [seen], Finding(cause.what))
    assert [finding.what for finding in found if finding.trouble][:1] == [seen.name], "else it is told"


def test_what_has_another_cause_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found = examined(monkeypatch, [Seen("booking", ("database", "bus")), Seen("notify", None)], AWAY)
    lines = printed(command.shown(found))
    assert "ill   booking does not reach its database." in lines
    assert "ill   notify does not answer: is it running? Its log says why." in lines
    assert lines[-1] == "3 to mend."


def test_wrapped_lines_stay_indented() -> None:
    found = [*(Finding(f"database of {name}") for name in SERVICES), Finding("X", "is " * 40, "do " * 40)]
    lines = printed(command.shown(found))
    assert all(line.startswith(("well  ", "ill   ", "      ")) for line in lines[:-2])
    assert len(lines) > 7


def test_what_nobody_knows_is_not_remedied_by_apply_alone() -> None:
    finding = inside._difference(Difference(Thing("X", "", {}), "unknown"))
    assert (finding.what, finding.trouble) == ("stream X", "is unknown")
    assert finding.remedy == "Find out who made it, then: schalter bus apply --prune"


def test_status_has_its_header_on_one_line_and_says_when_it_looked() -> None:
    figures: Any = {"schalter_messages_waiting": 12345, "schalter_messages_oldest_seconds": 90000}
    seen = [Seen(name, ("bus",), figures) for name in SERVICES]
    lines = printed(status.shown(Status(seen, 0), datetime(2026, 11, 30, 8, 15, 7, tzinfo=UTC)))
    assert lines[0].split("  ")[0] == "service"
    assert [word for word in lines[0].split() if word != "service"] == [
        *("events", "waiting", "oldest"),
        *("messages", "waiting", "oldest"),
    ]
    assert lines[1].startswith("booking")
    assert lines[-1] == "Looked at 08:15:07."


def test_status_counts_as_people_do_and_tells_one_cause_once() -> None:
    assert Status([], 1, 1).troubles == [
        "1 event could not be processed: schalter events replay --dry-run",
        "1 stream or consumer is not as it shall be: schalter bus apply --check",
    ]
    assert Status([], 2, 2).troubles == [
        "2 events could not be processed: schalter events replay --dry-run",
        "2 streams and consumers are not as they shall be: schalter bus apply --check",
    ]
    away = Status([Seen("booking", ("bus",), LATE), Seen("notify", ("bus", "database"))], None).troubles
    assert [line.split(":")[0] for line in away] == ["notify does not reach its database.", "The bus does not answer"]
    lines = printed(status.shown(Status([], None)))
    assert lines[-2].startswith("! The bus does not answer: is NATS up?")
    assert lines[-1].startswith("  "), "wrapped lines stay indented"
