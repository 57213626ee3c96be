"""What Prometheus is told of cases, papers and sign-ins: each figure is moved by what it counts."""

from typing import Any, get_args
from uuid import UUID, uuid4

import httpx
import pytest
from prometheus_client import REGISTRY

from casework import figures, metrics
from casework.cases.model import State
from casework.clerks import passwords, store
from contracts.booking import BookingNoShow
from contracts.payment import PaymentAuthorised
from contracts.signaling import CallStarted, ParticipantLeft


def told(name: str, **labels: str) -> float:
    value = REGISTRY.get_sample_value(f"schalter_casework_{name}", labels)
    assert value is not None, "it is there from the start"
    return value


def ended(outcome: str) -> float:
    return told("cases_ended_total", office="heidelberg", outcome=outcome)


def seconds(name: str, **labels: str) -> tuple[float, float]:
    return told(f"{name}_seconds_count", **labels), told(f"{name}_seconds_sum", **labels)


@pytest.fixture
async def colleague(world: Any) -> tuple[str, str]:
    """Name and password of somebody who can sign in."""
    username, password = f"clerk{uuid4().hex}", "correct horse battery staple"
    hashed = await passwords.hashed(password)
    async with world.database.transaction() as tx:
        await store.put_account(
            tx, office="heidelberg", username=username, name="Karl Amt", role="clerk", password_hash=hashed
        )
        await tx.execute("DELETE FROM sign_in_attempt")
    return username, password


def test_the_states_are_those_of_a_case() -> None:
    assert get_args(State) == metrics.STATES


async def test_a_case_counts_when_it_opens_and_when_it_ends_and_its_steps_are_timed(call: Any, world: Any) -> None:
    opened, done = told("cases_opened_total", office="heidelberg"), ended("completed")
    signed, elsewhere = told("signatures_total", kind="drawn"), told("cases_opened_total", office="demo")
    before = {stage: seconds("stage", stage=stage) for stage in metrics.STAGES}
    before_all = seconds("call_to_done", office="heidelberg")
    event = CallStarted(office="heidelberg", appointment_id=call.booked.appointment_id, started_at=world.clock())
    await world.deliver(event)
    world.clock.advance(minutes=1)
    assert (await call.act("stage", {"stage": "identity"})).status_code == 200
    world.clock.advance(minutes=2)
    await call.settle()
    assert told("signatures_total", kind="drawn") == signed + 1
    await call.act("payment-request")
    world.clock.advance(minutes=3)
    await call.paid(PaymentAuthorised)
    assert (await call.act("completion")).status_code == 200
    assert (await call.act("completion")).status_code == 200, "a repetition, which counts no more"
    after = {stage: seconds("stage", stage=stage) for stage in metrics.STAGES}
    took = {stage: after[stage][1] - before[stage][1] for stage in metrics.STAGES if after[stage][0] > before[stage][0]}
    assert took == {"talk": 60, "identity": 120, "payment": 180}
    assert seconds("call_to_done", office="heidelberg") == (before_all[0] + 1, before_all[1] + 360)
    assert (told("cases_opened_total", office="heidelberg"), ended("completed")) == (opened, done + 1)
    await world.open()
    assert told("cases_opened_total", office="heidelberg") == opened + 1
    assert told("cases_opened_total", office="demo") == elsewhere


async def test_who_does_not_come_ends_the_case_so_and_nothing_is_timed(world: Any) -> None:
    absent, talks = ended("citizen_absent"), seconds("stage", stage="talk")
    event, _ = await world.open()
    fields = event.model_dump(include=set(BookingNoShow.model_fields))
    for _ in range(2):
        await world.deliver(BookingNoShow(**fields, marked_at=world.clock()))
    assert ended("citizen_absent") == absent + 1
    assert seconds("stage", stage="talk") == talks


async def test_the_day_of_each_office_is_counted_by_state_and_step(call: Any, world: Any) -> None:
    await world.open()
    await world.open(starts_at=call.booked.starts_at.replace(year=2027), ends_at=call.booked.ends_at.replace(year=2027))
    (found,) = await world.rows(
        "SELECT count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'in_progress') AS mine"
        " FROM case_file WHERE office = 'heidelberg' AND starts_at < '2026-11-25'"
    )
    await figures.count(world.directory, world.database, world.clock())
    assert told("cases", office="heidelberg", state="open") == found["open"] >= 1
    assert told("cases", office="heidelberg", state="in_progress") == found["mine"] >= 1
    assert told("cases_in_progress", office="heidelberg", stage="talk") >= 1
    assert told("cases", office="demo", state="open") == 0


async def test_what_overtakes_its_booking_is_told(world: Any) -> None:
    await figures.count(world.directory, world.database, world.clock())
    before = told("parked_events")
    await world.deliver(ParticipantLeft(office="heidelberg", appointment_id=uuid4(), role="citizen", at=world.clock()))
    await figures.count(world.directory, world.database, world.clock())
    assert told("parked_events") == before + 1


async def test_every_paper_that_is_made_is_timed(call: Any) -> None:
    made = told("paper_seconds_count", kind="application")
    saved = await call.save()
    path = f"/cases/{call.case_id}/applications/{saved['application_id']}/document.pdf"
    assert (await call.world.client.get(path, headers=call.clerk)).status_code == 200
    assert told("paper_seconds_count", kind="application") == made + 1


@pytest.mark.parametrize("outcome", ["done", "refused", "locked"])
async def test_signing_in_counts_by_what_came_of_it(outcome: str, world: Any, colleague: Any) -> None:
    username, password = colleague

    async def sign_in(given: str) -> httpx.Response:
        body = {"office": "heidelberg", "username": username, "password": given}
        answer: httpx.Response = await world.client.post("/session", json=body)
        return answer

    tries = {"done": [password], "refused": ["wrong"], "locked": ["wrong"] * 6}[outcome]
    before = told("sign_ins_total", outcome=outcome)
    for given in tries:
        await sign_in(given)
    assert told("sign_ins_total", outcome=outcome) == before + 1


async def test_a_token_that_two_have_counts_as_stolen(world: Any) -> None:
    before = told("sessions_stolen_total")
    await world.clerk()
    (token,) = list(world.cookies.values())[-1:]
    for wait in (0, 60):
        world.clock.advance(seconds=wait)
        world.client.cookies.clear()
        await world.client.post("/session/refresh", headers={"Cookie": f"schalter_session={token}"})
    assert told("sessions_stolen_total") == before + 1


async def test_an_audit_trail_that_somebody_changed_is_told(call: Any, world: Any) -> None:
    async def read() -> tuple[float, float]:
        before = {outcome: told("audit_trails_total", outcome=outcome) for outcome in ("sound", "broken")}
        place = await figures.read_some(world.database, "heidelberg", UUID(int=0))
        while place != UUID(int=0):
            place = await figures.read_some(world.database, "heidelberg", place)
        sound, broken = (told("audit_trails_total", outcome=outcome) - before[outcome] for outcome in before)
        return sound, broken

    await call.settle()
    sound, broken = await read()
    assert sound > 0
    async with world.database.transaction() as tx:
        await tx.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only")
        changed = "UPDATE audit_entry SET actor = 'nobody' WHERE case_id = :id AND number = 2"
        await tx.execute(changed, id=call.case_id)
        await tx.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_append_only")
    assert await read() == (sound - 1, broken + 1)
