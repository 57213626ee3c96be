"""Use cases on a real database: one act at a time, an audit trail that nobody rewrites, data that can be erased."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from casework.cases import audit, store
from casework.directory import Directory
from chassis.problems import NotFound
from contracts.payment import PaymentAuthorised


async def test_two_clerks_who_take_a_case_at_once_do_not_both_get_it(world: Any) -> None:
    _, case_id = await world.open()
    clerks = [await world.clerk() for _ in range(5)]
    answers: list[httpx.Response] = await asyncio.gather(
        *(world.client.post(f"/cases/{case_id}/assignment", headers=clerk) for clerk in clerks)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]


async def test_completing_five_times_at_once_completes_once(call: Any, world: Any) -> None:
    await call.settle()
    await call.act("payment-request")
    await call.paid(PaymentAuthorised)
    answers: list[httpx.Response] = await asyncio.gather(*(call.act("completion") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert (await world.published(call.booked.appointment_id)).count("casework.case_completed.v1") == 1


async def test_an_edit_and_a_signature_at_once_never_leave_a_signed_document_that_was_not_shown(call: Any) -> None:
    saved = await call.save()
    await call.confirm(saved)
    await asyncio.gather(call.sign(saved), call.save({**saved["values"], "family_name": "Other"}))
    (application,) = (await call.view())["applications"]
    assert application["values"]["family_name"] == "Other"
    assert (application["confirmed_at"], application["signed_at"]) == (None, None)


async def test_the_audit_trail_is_sound_and_the_database_keeps_it(call: Any, world: Any) -> None:
    await call.settle()
    async with world.database.transaction() as tx:
        trail = await store.trail(tx, call.case_id)
        length, head = await store.audit_end(tx, call.case_id)
    assert audit.first_broken(call.case_id, trail, length, head) is None
    assert len(trail) == 6
    for statement in (
        "UPDATE audit_entry SET actor = 'nobody'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
    ):
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await world.rows(statement + " RETURNING 1" if "TRUNCATE" not in statement else statement)


async def test_tampering_with_the_database_shows(call: Any, world: Any) -> None:
    await call.identify()
    async with world.database.transaction() as tx:
        await tx.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only")
        await tx.execute(
            "UPDATE audit_entry SET detail = jsonb_set(detail, '{outcome}', '\"refused\"')"
            " WHERE case_id = :id AND action = 'identity_checked'",
            id=call.case_id,
        )
        await tx.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_entry_append_only")
        trail = await store.trail(tx, call.case_id)
        length, head = await store.audit_end(tx, call.case_id)
    assert audit.first_broken(call.case_id, trail, length, head) == 3


async def test_the_audit_trail_names_no_person(call: Any, world: Any) -> None:
    await call.settle()
    rows = await world.rows("SELECT actor, action, detail FROM audit_entry WHERE case_id = :id", id=call.case_id)
    text = str(rows)
    for personal in ("Ayşe", "Öztürk", "ayse@", "1984", "Heidestra"):
        assert personal not in text


async def test_erasing_the_person_leaves_a_case_that_can_be_read(call: Any, world: Any) -> None:
    await call.settle()
    async with world.database.transaction() as tx:
        for table in ("signature", "application_content"):
            await tx.execute(
                f"DELETE FROM {table} WHERE application_id IN"  # noqa: S608 - our own table names
                " (SELECT application_id FROM application WHERE case_id = :id)",
                id=call.case_id,
            )
        for table in ("identity_check", "person"):
            await tx.execute(f"DELETE FROM {table} WHERE case_id = :id", id=call.case_id)  # noqa: S608
    view = await call.view()
    assert view["citizen_name"] is None
    assert "Öztürk" not in str(view)
    assert view["applications"][0]["signed_at"]
    assert (await call.get("/agenda"))["cases"]


async def test_nothing_of_a_refused_act_is_kept(call: Any, world: Any) -> None:
    before = await world.rows("SELECT * FROM ours.case_file WHERE case_id = :id", id=call.case_id)
    assert (await call.act("completion")).status_code == 409
    assert await world.rows("SELECT * FROM ours.case_file WHERE case_id = :id", id=call.case_id) == before


async def test_there_is_no_package_before_the_case_is_completed(call: Any, world: Any) -> None:
    await call.settle()
    answer = await world.client.get(f"/cases/{call.case_id}/package.zip", headers=call.clerk)
    assert (answer.status_code, answer.json()["code"], answer.json()["step"]) == (409, "step_missing", "completion")


def test_an_office_or_a_service_that_is_gone_is_not_found(directory: Directory) -> None:
    assert directory.office("demo").slug == "demo"
    assert directory.service("anmeldung").id == "anmeldung"
    for look in (directory.office, directory.service):
        with pytest.raises(NotFound):
            look("closed-down")
