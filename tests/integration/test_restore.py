"""Dumps are restored elsewhere and events published again: no mail goes out twice, and nothing is missing (F24).

The dumps are taken one after the other while people book, as operators take them. So the services do not know the same:
what booking had told the others after their dumps were taken, they have to hear again.
"""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from backup import ORDER, dump, restore
from events import nothing_pending
from people import Citizen, Clerk, free_slots, ok
from system import ROOT, System, eventually

from contracts.topology import SERVICES
from schalter.embedded import free_port

pytestmark = pytest.mark.journey

ONE_ROW_EACH = {
    "booking": "SELECT count(*) FROM appointment WHERE id = %s",
    "casework": "SELECT count(*) FROM case_file WHERE appointment_id = %s",
    "signaling": "SELECT count(*) FROM rooms WHERE appointment_id = %s",
    "notify": "SELECT count(*) FROM message WHERE appointment_id = %s",
}


def test_restored_elsewhere_and_published_again_no_mail_goes_out_twice(system: System, servers_dir: Path) -> None:
    since = datetime.now(UTC)
    dumps, elsewhere = servers_dir / "dumps", servers_dir / "elsewhere"
    dumps.mkdir()
    known = _books_and_gets_the_mail(system)
    *consumers, publisher = ORDER
    for service in consumers:
        dump(system, service, dumps)
    unheard = _books_and_gets_the_mail(system)
    dump(system, publisher, dumps)

    restore(system.var / "secrets.json", dumps, elsewhere)
    restored = System(elsewhere, free_port())
    try:
        restored.wait_ready()
        known_there, unheard_there = _there(restored, known), _there(restored, unheard)
        assert unheard_there.http.get("/casework/citizen/case").status_code == 404, "casework has not heard of it"

        assert "would be published again" in _republish(restored, since, "--dry-run")
        for _ in range(2):  # to repeat it is harmless
            assert "2 booking.completed.v1" in _republish(restored, since)
            _caught_up(restored)

        # Who was written to before the dump hears nothing. The other one's mail is the same mail for every reader.
        assert known_there.mails() == []
        assert _message_ids(restored, unheard) == _message_ids(system, unheard)
        assert len(unheard_there.mails()) == 1
        for citizen in (known_there, unheard_there):
            assert _rows(restored, citizen) == dict.fromkeys(ONE_ROW_EACH, 1)
            Clerk(restored).finds(citizen)
            citizen.case()  # by the link of the mail that the old system sent

        # And it is a system like any other.
        later = Citizen.books(restored)
        later.mail("Videotermin", 60)
        assert len(later.mails()) == 1
        assert known_there.mails() == []
    finally:
        restored.stop()


def _books_and_gets_the_mail(system: System) -> Citizen:
    """Books, gets the mail, and the whole system knows."""
    citizen = Citizen.books(system, slot=free_slots(system)[30])
    citizen.mail("Videotermin", 60)
    Clerk(system).finds(citizen)
    _caught_up(system)
    return citizen


def _there(system: System, citizen: Citizen) -> Citizen:
    """The same citizen with the same link, before another system."""
    return Citizen(system, citizen.booked, citizen.email)


def _republish(system: System, since: datetime, *more: str) -> str:
    command = [sys.executable, "-c", "from schalter.main import app; app()", "events", "republish"]
    command += ["--since", since.isoformat(), "--var", str(system.var), *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _caught_up(system: System) -> None:
    """All that was committed is on the bus, all that is on the bus is applied, and all mails are handed over."""

    def done() -> bool:
        idle = all(not _count(system, service, "outbox WHERE published_at IS NULL") for service in SERVICES)
        sent = not _count(system, "notify", "message WHERE state = 'pending'")
        return idle and asyncio.run(nothing_pending(system)) and sent

    # Twice: what is applied may publish in its turn.
    for _ in range(2):
        eventually(done, 90, "all consumers have caught up")


def _count(system: System, service: str, what: str) -> int:
    with psycopg.connect(system.database(service)) as connection:
        row = connection.execute(f"SELECT count(*) FROM {what}").fetchone()  # noqa: S608 - of this file
    assert row is not None
    return int(row[0])


def _rows(system: System, citizen: Citizen) -> dict[str, int]:
    counted = {}
    for service, query in ONE_ROW_EACH.items():
        with psycopg.connect(system.database(service)) as connection:
            row = connection.execute(query, (citizen.appointment_id,)).fetchone()
        assert row is not None
        counted[service] = int(row[0])
    return counted


def _message_ids(system: System, citizen: Citizen) -> list[str]:
    """The Message-IDs of the mails that a system's mail server took for somebody."""
    url = f"http://127.0.0.1:{system.state['ports']['mail']}/mail/api/log"
    log: list[dict[str, Any]] = ok(httpx.get(url, timeout=10))
    return [entry["message_id"] for entry in log if entry["to"] == [citizen.email]]
