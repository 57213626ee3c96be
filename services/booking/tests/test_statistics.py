"""How the office was used: counted by the database, by week and service, without knowing a person."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from booking.clerks.store import WEEK
from booking.statistics.csv import plain
from booking.statistics.store import STATISTICS
from chassis.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")

INSERT = """
    INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email, language,
                             link_generation, booked_at, changed_at, call_started_at, talk_seconds, channel, erased_at)
    SELECT gen_random_uuid(), :office, substr(gen_random_uuid()::text, 1, 16), 0, at,
           at + :minutes * interval '1 minute', :state, CAST(:services AS jsonb), '', '', 'de', 1,
           at - :lead * interval '1 hour', at, at + :wait * interval '1 second', :talk, :channel, at
      FROM (SELECT CAST(:at AS timestamptz) AS at) AS given
"""


@pytest.fixture
def past(database: Database, client: httpx.AsyncClient) -> Any:
    """`await past("2026-05-04T06:00Z", "completed", "anmeldung", ...)`: an appointment of then, erased by now."""

    async def put(at: str, state: str, *services: str, **more: Any) -> None:
        values = {"office": "heidelberg", "minutes": 15, "lead": 24.0, "wait": None, "talk": None, "channel": "citizen"}
        names = ", ".join(f'{{"service_id": "{service}", "persons": 1}}' for service in services)
        async with database.transaction() as tx:
            await tx.execute(
                INSERT, **(values | more), at=datetime.fromisoformat(at), state=state, services=f"[{names}]"
            )

    return put


@pytest.fixture
def lead(signed_in: Any) -> dict[str, str]:
    headers: dict[str, str] = signed_in("lead")
    return headers


async def test_by_week_and_service(client: httpx.AsyncClient, lead: dict[str, str], past: Any) -> None:
    await past("2026-05-05T06:00:00+00:00", "completed", "anmeldung", wait=-30.0, talk=300, lead=10.0)
    await past("2026-05-05T07:00:00+00:00", "completed", "anmeldung", "personalausweis", wait=60.0, talk=900, lead=20.0)
    await past("2026-05-07T06:00:00+00:00", "no_show", "anmeldung", lead=60.0)
    await past("2026-05-07T06:00:00+00:00", "cancelled", "anmeldung", lead=30.0)
    await past("2026-05-07T07:00:00+00:00", "completed", "anmeldung", lead=0.0, channel="walk_in", wait=90.0)
    await past("2026-05-12T06:00:00+00:00", "booked", "anmeldung")
    await past("2026-05-05T06:00:00+00:00", "completed", "anmeldung", office="demo")
    query = {"from": "2026-05-04", "to": "2026-05-24"}
    answer = await client.get("/office/statistics", params=query, headers=lead)
    assert answer.status_code == 200, answer.text
    weeks = {(row["monday"], row["service_id"]): row for row in answer.json()["weeks"]}
    assert list(weeks) == [
        ("2026-05-04", None), ("2026-05-04", "anmeldung"), ("2026-05-04", "personalausweis"),
        ("2026-05-11", None), ("2026-05-11", "anmeldung"), ("2026-05-18", None),
    ]  # fmt: skip
    first = weeks["2026-05-04", None]
    assert [first[n] for n in ("booked", "completed", "aborted", "cancelled", "no_show", "walk_ins")] == [
        5,
        3,
        0,
        1,
        1,
        1,
    ]
    assert (first["no_show_rate"], first["lead_hours_median"]) == (0.25, 25.0)
    assert (first["wait_seconds_median"], first["talk_seconds_median"]) == (60.0, 600.0)
    assert first["utilisation"] == round(60 / (6 * (240 + 210 + 240)), 4)
    assert weeks["2026-05-04", "personalausweis"]["booked"] == 1
    assert weeks["2026-05-04", "personalausweis"]["utilisation"] is None
    assert weeks["2026-05-11", None]["wait_seconds_median"] is None, "nobody was in a call: that is no wait of 0 s"
    quiet = weeks["2026-05-18", None]
    assert (quiet["booked"], quiet["no_show_rate"], quiet["utilisation"]) == (0, None, 0.0)
    total = answer.json()["totals"][0]
    assert (total["service_id"], total["booked"], total["lead_hours_median"]) == (None, 6, 24.0)


async def test_a_table_for_spreadsheets(client: httpx.AsyncClient, lead: dict[str, str], past: Any) -> None:
    await past("2026-05-05T06:00:00+00:00", "completed", "anmeldung", "=cmd|' /C calc'!A0", talk=300)
    query = {"from": "2026-05-04", "to": "2026-05-10", "language": "de"}
    answer = await client.get("/office/statistics.csv", params=query, headers=lead)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["content-disposition"] == (
        'attachment; filename="schalter-heidelberg-2026-05-04-2026-05-10.csv"'
    )
    assert answer.content.startswith(b"\xef\xbb\xbfKalenderwoche,Montag,")
    assert b"\r\n" in answer.content
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["Kalenderwoche"] for row in rows[:3]] == ["2026-W19"] * 3
    assert {row["Anliegen"] for row in rows} == {"Alle Anliegen", "Anmeldung", "'=cmd|' /C calc'!A0"}
    assert [bool(row["Auslastung"]) for row in rows[:2]] == [True, False]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
async def test_no_cell_is_a_formula(cell: str) -> None:
    assert plain(cell) == "'" + cell


async def test_weeks_are_the_offices(client: httpx.AsyncClient, lead: dict[str, str], past: Any) -> None:
    await past("2026-05-10T22:30:00+00:00", "completed", "anmeldung")  # Monday, 00:30 in Berlin
    query = {"from": "2026-05-11", "to": "2026-05-11"}
    answer = (await client.get("/office/statistics", params=query, headers=lead)).json()
    assert [(row["monday"], row["booked"]) for row in answer["weeks"] if row["booked"]] == [
        ("2026-05-11", 1), ("2026-05-11", 1)
    ]  # fmt: skip


@pytest.mark.parametrize("last", ["2026-05-03", "2027-05-11"])
async def test_at_most_53_weeks(client: httpx.AsyncClient, lead: dict[str, str], last: str) -> None:
    answer = await client.get("/office/statistics", params={"from": "2026-05-04", "to": last}, headers=lead)
    assert (answer.status_code, answer.json()["code"]) == (422, "range_too_long")


async def test_who_walks_in_waits_from_taking_a_number(
    client: httpx.AsyncClient, database: Database, lead: dict[str, str], past: Any
) -> None:
    await past("2026-05-05T06:00:00+00:00", "completed", "anmeldung", channel="walk_in", wait=30.0)
    async with database.transaction() as tx:
        await tx.execute("""
            INSERT INTO walk_in (id, office, day, number, services, name, email, language, needs, state, taken_at,
                                 seen_at, called_at, appointment_id, erased_at)
            SELECT gen_random_uuid(), office, '2026-05-05', 1, '[]', '', '', 'de', '[]', 'called',
                   starts_at - interval '10 minutes', starts_at, starts_at, id, starts_at
              FROM ours.appointment
        """)
    query = {"from": "2026-05-04", "to": "2026-05-10"}
    answer = (await client.get("/office/statistics", params=query, headers=lead)).json()
    assert answer["weeks"][0]["wait_seconds_median"] == 630.0
    assert answer["weeks"][0]["lead_hours_median"] is None


async def test_a_month_of_years_is_read_by_indexes(database: Database, client: httpx.AsyncClient) -> None:
    async with database.transaction() as tx:
        await tx.execute("""
            INSERT INTO appointment (id, office, reference, lane, starts_at, ends_at, state, services, name, email,
                                     language, link_generation, booked_at, changed_at)
            SELECT gen_random_uuid(), 'demo', 'S' || n, 0, at, at + interval '5 minutes',
                   CASE WHEN n % 2 = 0 THEN 'booked' ELSE 'completed' END, '[]', '', '', 'de', 1, now(), now()
              FROM generate_series(1, 60000) AS n, LATERAL (SELECT now() + n * interval '1 hour') AS t (at)
        """)
    low = datetime(2030, 1, 1, tzinfo=UTC)
    high = low + timedelta(days=30)
    days = {"first": low.date(), "last": high.date(), "zone": "Europe/Berlin"}
    async with database.transaction() as tx:
        await tx.execute("ANALYZE appointment")
        for statement, more in ((STATISTICS, days), (WEEK, {"now": low})):
            rows = await tx.rows(f"EXPLAIN {statement}", office="demo", low=low, high=high, **more)
            plan = "\n".join(row["QUERY PLAN"] for row in rows)
            assert "appointment_over" in plan, plan
            assert "appointment_taken" in plan, plan
            assert "Seq Scan on appointment" not in plan, plan
