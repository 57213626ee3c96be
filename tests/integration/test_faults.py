"""What was acknowledged is never lost, and nothing happens twice (F1-F6; F7 and F8: test_mail_faults.py).

The waits are long because the machine may be busy: what was in flight comes again after seconds (libs/chassis/tests).
"""

import asyncio
import concurrent.futures
from functools import partial
from typing import Any

import psycopg
import pytest
from events import connect, nothing_pending
from people import Citizen, Clerk, Json, free_slots
from system import System, eventually

from contracts.base import Meta

pytestmark = pytest.mark.journey


def test_every_event_of_a_booking_delivered_twice_has_one_effect(system: System) -> None:
    """The messages are taken from the stream as they were published and sent again, past the stream's own memory."""
    citizen = Citizen.books(system)
    citizen.mail("Videotermin", seconds=90)
    Clerk(system).finds(citizen)

    def published() -> list[Any]:
        return asyncio.run(_published(system, citizen.appointment_id))

    # Booked, case opened, mail delivered.
    eventually(lambda: len(published()) >= 3, 90, "all events of the booking are on the bus")
    eventually(lambda: asyncio.run(nothing_pending(system)), 90, "all consumers have caught up")
    before = _rows(system, citizen)
    asyncio.run(_publish_again(system, published()))
    eventually(lambda: asyncio.run(nothing_pending(system)), 90, "all consumers have caught up")
    assert _rows(system, citizen) == before
    assert len(citizen.mails()) == 1


def test_the_mail_arrives_once_though_notify_was_dead_when_the_booking_came(system: System) -> None:
    dead = system.kill("notify")
    citizen = Citizen.books(system)
    system.wait_back("notify", dead)
    citizen.mail("Videotermin", seconds=90)
    eventually(lambda: system.healthy("notify"), 60)
    assert len(citizen.mails()) == 1


def test_no_acknowledged_booking_is_lost_when_the_bus_is_killed_between_them(system: System) -> None:
    slots = free_slots(system)[20:32]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        bookings = [pool.submit(Citizen.books, system, slot=slot) for slot in slots]
        concurrent.futures.wait(bookings, return_when=concurrent.futures.FIRST_COMPLETED)
        dead = system.kill("nats")
        citizens = [booking.result() for booking in bookings]
    system.wait_back("nats", dead)
    for citizen in citizens:
        citizen.mail("Videotermin", seconds=90)
        assert len(citizen.mails()) == 1
    assert len(citizens) == len(slots)


def test_a_matter_in_which_each_service_dies_right_after_its_word_ends_well_and_once(system: System) -> None:
    """kill -9 in the moment of the answer: what it promised is committed, and mostly not yet told to anybody."""
    citizen = Citizen.books(system)
    _die(system, "booking", "casework", "signaling")
    citizen.mail("Videotermin", seconds=90)
    clerk = Clerk(system)
    case_id = clerk.finds(citizen)["case_id"]
    assert set(_rows(system, citizen).values()) == {1}
    shown = _is_identified_and_confirms(citizen, clerk, case_id)
    assert citizen.signs(shown).is_success
    _die(system, "casework")
    assert clerk.case(case_id)["applications"][0]["signed_at"]

    clerk.does(case_id, "payment-request")
    _die(system, "casework", "payment")
    assert citizen.pays()["state"] == "authorised"
    _die(system, "payment")
    eventually(lambda: clerk.case(case_id)["payment"]["state"] == "authorised", 90, "casework hears of the money")
    clerk.does(case_id, "completion")
    _die(system, "casework", "payment", "notify")
    eventually(lambda: clerk.case(case_id)["payment"]["state"] == "captured", 90, "the money is taken")
    citizen.mail("erledigt", seconds=90)
    citizen.mail("Quittung", seconds=90)

    eventually(lambda: asyncio.run(nothing_pending(system)), 90, "all consumers have caught up")
    assert len(citizen.mails()) == 3
    (order,) = _orders(system, citizen)
    assert order == ("captured", 1300)
    told = [
        Meta.from_headers(message.headers).type for message in asyncio.run(_published(system, citizen.appointment_id))
    ]
    for once in ("booking.completed.v1", "casework.case_opened.v1", "casework.case_completed.v1"):
        assert told.count(once) == 1, told


def _is_identified_and_confirms(citizen: Citizen, clerk: Clerk, case_id: str) -> Json:
    """The matter up to the signature; the application as the citizen saw it."""
    clerk.does(case_id, "assignment")
    clerk.does(case_id, "stage", {"stage": "identity"})
    clerk.identifies(case_id)
    clerk.does(case_id, "stage", {"stage": "application"})
    (application,) = clerk.case(case_id)["applications"]
    clerk.fills_in(case_id, application)
    shown: Json = citizen.case()["applications"][0]
    citizen.confirms(shown)
    clerk.does(case_id, "stage", {"stage": "signature"})
    return shown


def _die(system: System, *services: str) -> None:
    """kill -9 of all these, and wait until they serve again."""
    dead = {service: system.kill(service) for service in services}
    for service, pid in dead.items():
        system.wait_back(service, pid)
    for service in services:
        eventually(partial(system.healthy, service), 90, f"{service} serves again")


def _orders(system: System, citizen: Citizen) -> list[tuple[str, int]]:
    with psycopg.connect(system.database("payment")) as connection:
        query = "SELECT state, amount_cents FROM payment_order WHERE appointment_id = %s"
        return [(str(state), int(amount)) for state, amount in connection.execute(query, (citizen.appointment_id,))]


_ONE_ROW_PER_BOOKING = {
    "booking": "SELECT count(*) FROM appointment WHERE id = %s",
    "casework": "SELECT count(*) FROM case_file WHERE appointment_id = %s",
    "signaling": "SELECT count(*) FROM rooms WHERE appointment_id = %s",
    "notify": "SELECT count(*) FROM message WHERE appointment_id = %s",
}


def _rows(system: System, citizen: Citizen) -> dict[str, int]:
    counted = {}
    for service, query in _ONE_ROW_PER_BOOKING.items():
        with psycopg.connect(system.database(service)) as connection:
            row = connection.execute(query, (citizen.appointment_id,)).fetchone()
        assert row is not None
        counted[service] = int(row[0])
    assert set(counted.values()) == {1}, counted
    return counted


async def _published(system: System, appointment_id: str) -> list[Any]:
    client = await connect(system)
    stream, found = client.jetstream(), []
    for name in ("BOOKING", "CASEWORK", "SIGNALING", "NOTIFY"):
        state = (await stream.stream_info(name)).state
        for sequence in range(max(1, state.first_seq), state.last_seq + 1):
            message = await stream.get_msg(name, sequence)
            if Meta.from_headers(message.headers or {}).subject == appointment_id:
                found.append(message)
    await client.close()
    return found


async def _publish_again(system: System, messages: list[Any]) -> None:
    client = await connect(system)
    for message in messages:
        # Without the bus's own headers: it would drop a known Nats-Msg-Id. The event's own id stays.
        headers = {name: value for name, value in message.headers.items() if not name.startswith("Nats-")}
        await client.jetstream().publish(message.subject, message.data, headers=headers)
    await client.close()
