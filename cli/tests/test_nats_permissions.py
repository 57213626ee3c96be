"""A service can do on the bus what topology.py says, and nothing else: the server itself refuses."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from bus_users import PASSWORDS, guarded, operator, signed_in, state
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError

from contracts.base import Meta
from contracts.booking import BookingCompleted, BookingErased
from contracts.topology import (
    CONSUMES,
    DEAD_LETTERS,
    PUBLISHES,
    SERVICES,
    STREAMS,
    consumer,
    dead_letter_subject,
    durable,
    stream_of,
)
from schalter.bus import apply, connected, stream_settings
from schalter.embedded import Nats, free_port
from schalter.nats_config import User, inbox_prefix, service_users

ERASED = BookingErased.SUBJECT
BOOKED = BookingCompleted.SUBJECT


@pytest.fixture
def server(servers_dir: Path, tmp_path: Path) -> Iterator[Nats]:
    with guarded(servers_dir / f"acl-{tmp_path.name}") as server:
        yield server


async def last(server: Nats, stream: str) -> int:
    """How many messages `stream` has taken."""
    async with connected(operator(server)) as client:
        return int((await client.jetstream().stream_info(stream)).state.last_seq)


async def take(client: Client, service: str, subject: str) -> Msg:
    """The next message of `subject` for `service`, not acknowledged."""
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    request = {"batch": 1, "expires": 2_000_000_000}
    next_one = f"$JS.API.CONSUMER.MSG.NEXT.{stream_of(subject)}.{service}-{subject.replace('.', '-')}"
    await client.publish(next_one, json.dumps(request).encode(), reply=inbox)
    return await subscription.next_msg(timeout=3)


async def waiting(server: Nats, service: str) -> int:
    """How many deliveries of a booking `service` has not acknowledged."""
    async with connected(operator(server)) as client:
        info = await client.jetstream().consumer_info("BOOKING", durable(service, BookingCompleted))
        return int(info.num_ack_pending or 0)


# What a service is for


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_publishes_its_own_events_and_no_others(server: Nats, service: str) -> None:
    async with signed_in(server, service) as (client, refusals):
        for event in PUBLISHES[service]:
            acknowledgement = await client.jetstream().publish(event.SUBJECT, b"{}")
            assert acknowledgement.stream == STREAMS[service].name
        for event in CONSUMES[service]:
            letter = await client.jetstream().publish(dead_letter_subject(service, event.SUBJECT), b"{}")
            assert letter.stream == DEAD_LETTERS[service].name
        assert refusals.said == []
        before = await state(server)
        others = [name for name in SERVICES if name != service]
        foreign = [event.SUBJECT for other in others for event in PUBLISHES[other]]
        foreign += [dead_letter_subject(other, event.SUBJECT) for other in others for event in CONSUMES[other]]
        # What an operator who replays letters would carry out.
        foreign += [f"dead.{service}.{tail}" for tail in ("any.v1", "$JS.API.STREAM.DELETE.BOOKING", ">")]
        foreign += [f"{service}.invented.v1", f"{service}.>", "dead.x", ">", "$SYS.REQ.SERVER.PING", "$KV.any.key"]
        for subject in foreign:
            await client.publish(subject, b"{}")
            assert await refusals.of(subject), subject
        assert await state(server) == before


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_takes_and_acknowledges_what_is_for_it(server: Nats, service: str) -> None:
    async with signed_in(server, service) as (client, refusals):
        for event in CONSUMES[service]:
            async with signed_in(server, event.SUBJECT.split(".")[0]) as (publisher, _):
                await publisher.jetstream().publish(event.SUBJECT, b'{"n": 1}')
            message = await take(client, service, event.SUBJECT)
            assert message.data == b'{"n": 1}'
            await message.ack_sync()
            one = consumer(service, event)
            info = await client.jetstream().consumer_info(one.stream, one.name)
            assert (info.num_ack_pending, info.num_pending) == (0, 0)
        assert refusals.said == []


# Attacks that were found


async def test_payment_cannot_have_bookings_copied_to_where_it_listens(server: Nats) -> None:
    before = await state(server)
    async with signed_in(server, "payment") as (client, refusals):
        heard = await client.subscribe(f"{inbox_prefix('payment')}.spy.>")
        planted = {
            **stream_settings(STREAMS["payment"]).settings,
            "sources": [{"name": "BOOKING"}],
            "republish": {"src": ">", "dest": f"{inbox_prefix('payment')}.spy.>"},
        }
        await client.publish("$JS.API.STREAM.UPDATE.PAYMENT", json.dumps(planted).encode())
        assert await refusals.of("$JS.API.STREAM.UPDATE.PAYMENT")
        assert await state(server) == before
        async with signed_in(server, "booking") as (booking, _):
            await booking.jetstream().publish(BOOKED, b'{"name": "Ada"}')
        await asyncio.sleep(0.3)
        assert heard.pending_msgs == 0
        assert await last(server, "PAYMENT") == 0


async def test_payment_cannot_say_that_somebody_was_erased(server: Nats) -> None:
    """Neither itself, nor through what its stream makes of its own events, nor by having others' answers sent there."""
    async with signed_in(server, "payment") as (client, refusals):
        await client.publish(ERASED, b"{}")
        assert await refusals.of(ERASED)
        settings = stream_settings(STREAMS["payment"]).settings
        for planted in (
            {"republish": {"src": "payment.captured.v1", "dest": ERASED}},
            {"subject_transform": {"src": "payment.captured.v1", "dest": ERASED}},
        ):
            before = len(refusals.said)
            await client.publish("$JS.API.STREAM.UPDATE.PAYMENT", json.dumps({**settings, **planted}).encode())
            assert await refusals.reach(before + 1)
        await client.jetstream().publish("payment.captured.v1", b"{}")
        await asyncio.sleep(0.3)
        assert await last(server, "BOOKING") == 0


async def test_notify_cannot_make_caseworks_dead_letter_go(server: Nats) -> None:
    async with signed_in(server, "casework") as (casework, _):
        await casework.jetstream().publish(dead_letter_subject("casework", BOOKED), b"{}")
    before = await state(server)
    async with signed_in(server, "notify") as (client, refusals):
        for verb in ("UPDATE", "CREATE", "PURGE", "DELETE", "MSG.DELETE"):
            stream = DEAD_LETTERS["casework"]
            body = {**stream_settings(stream).settings, "max_msgs": 1, "seq": 1}
            await client.publish(f"$JS.API.STREAM.{verb}.{stream.name}", json.dumps(body).encode())
            assert await refusals.of(f"$JS.API.STREAM.{verb}.{stream.name}")
        assert await state(server) == before


async def test_notify_fills_its_own_letters_and_caseworks_first_one_is_still_there(server: Nats) -> None:
    """More large ones than the bounds of a stream hold: the server drops the oldest, which are its own."""
    async with signed_in(server, "casework") as (casework, _):
        await casework.jetstream().publish(dead_letter_subject("casework", BOOKED), b"first")
    large = b"x" * (1024**2 - 4096)
    async with signed_in(server, "notify") as (client, _):
        for _each in range(67):
            await client.jetstream().publish(dead_letter_subject("notify", BOOKED), large)
    async with connected(operator(server)) as client:
        kept = client.jetstream()
        full = (await kept.stream_info(DEAD_LETTERS["notify"].name)).state
        assert full.first_seq > 1
        assert (await kept.get_msg(DEAD_LETTERS["casework"].name, 1)).data == b"first"


# Others' deliveries, answers, and what the server tells


@pytest.mark.parametrize("verb", [b"+ACK", b"-NAK", b"+TERM", b"+WPI", b"+NXT"])
async def test_nobody_settles_what_was_handed_to_another(server: Nats, verb: bytes) -> None:
    async with signed_in(server, "booking") as (booking, _):
        await booking.jetstream().publish(BOOKED, b"{}")
    async with signed_in(server, "casework") as (casework, _), signed_in(server, "notify") as (client, refusals):
        message = await take(casework, "casework", BOOKED)
        _, _, stream, name, *rest = message.reply.split(".")
        own = durable("notify", BookingCompleted)
        forms = [
            message.reply,
            f"$JS.ACK._.hash.{stream}.{name}.{'.'.join(rest)}.any",
            # With its own name where newer servers have the consumer's, and older ones a number.
            f"$JS.ACK.{stream}.{name}.{stream}.{own}.{'.'.join(rest[2:])}",
        ]
        for subject in forms:
            await client.publish(subject, verb)
            assert await refusals.of(subject), subject
        assert await waiting(server, "casework") == 1
        assert await refusals.reach(len(forms))
        await message.ack_sync()
        assert await waiting(server, "casework") == 0


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_hears_its_own_answers_and_nothing_else(server: Nats, service: str) -> None:
    others = [name for name in SERVICES if name != service]
    subjects = [">", "*", "*.*", "_INBOX.>", "$JS.>", "$JS.API.>", "$JS.ACK.>", "$SYS.>", "dead.>"]
    subjects += ["$JS.EVENT.ADVISORY.>", "$JS.EVENT.METRIC.>", f"$JS.EVENT.ADVISORY.STREAM.UPDATED.{service.upper()}"]
    subjects += [f"{inbox_prefix(other)}.>" for other in others] + [f"{name}.>" for name in SERVICES]
    subjects += [event.SUBJECT for event in CONSUMES[service]]
    async with signed_in(server, service) as (client, refusals):
        for subject in subjects:
            await client.subscribe(subject)
        await client.flush()
        assert await refusals.reach(len(subjects))
        assert refusals.subjects == {subject.lower() for subject in subjects}


async def test_an_answer_that_is_sent_to_anothers_subject_is_no_event(server: Nats) -> None:
    """The server does not ask whether somebody may speak where they want their answer: it may be stored, but it is
    nothing that a consumer applies, for what is handed out keeps its own subject, and the rest has no attributes."""
    async with signed_in(server, "booking") as (booking, _):
        await booking.jetstream().publish(BOOKED, b"{}", headers={"ce-type": BOOKED})
    async with signed_in(server, "notify") as (client, _):
        next_one = f"$JS.API.CONSUMER.MSG.NEXT.BOOKING.{durable('notify', BookingCompleted)}"
        for expires in (1, 200_000_000):  # the message itself, and then that there is none
            request = json.dumps({"batch": 1, "expires": expires * 1_000_000 if expires == 1 else expires}).encode()
            await client.publish(next_one, request, reply=ERASED)
        await client.publish(PUBLISHES["notify"][0].SUBJECT, b"{}", reply=ERASED)
        await client.flush()
        await asyncio.sleep(1)
    async with connected(operator(server)) as client:
        kept = client.jetstream()
        stored = [await kept.get_msg("BOOKING", n) for n in range(2, await last(server, "BOOKING") + 1)]
    assert stored
    for message in (each for each in stored if each.subject == ERASED):
        with pytest.raises(ValueError, match="Field required"):
            Meta.from_headers(message.headers or {})


async def test_nobody_connects_without_a_password(server: Nats) -> None:
    with pytest.raises((Error, NoRespondersError)):
        await nats.connect(server.url, allow_reconnect=False, connect_timeout=1)


async def test_whoever_is_there_goes_on_when_permissions_are_taken_that_it_does_not_need(servers_dir: Path) -> None:
    """As the version before, whose services made streams at their start: what stands goes on over the new ones."""
    port, directory, log = free_port(), servers_dir / "reloaded", servers_dir / "reloaded.log"
    before = Nats(directory, port, log=log, users=tuple(User(*each, None) for each in PASSWORDS.items()), durable=False)
    now = Nats(directory, port, log=log, users=service_users(PASSWORDS), durable=False)
    with before:
        await apply(operator(before))
        async with signed_in(before, "casework") as (casework, refusals), signed_in(before, "booking") as (booking, _):
            inbox = await casework.subscribe(f"{casework.new_inbox()}.>")
            next_one = f"$JS.API.CONSUMER.MSG.NEXT.BOOKING.{durable('casework', BookingCompleted)}"
            request = json.dumps({"batch": 9, "expires": 20_000_000_000}).encode()
            await casework.publish(next_one, request, reply=inbox.subject.replace(">", "any"))
            await casework.flush()
            now.prepare()
            os.kill(before.process.pid, signal.SIGHUP)
            async with asyncio.timeout(10):
                while not refusals.said:  # the new permissions hold
                    await casework.publish("$JS.API.STREAM.UPDATE.CASEWORK", b"{}")
                    await asyncio.sleep(0.05)
            await booking.jetstream().publish(BOOKED, b"{}")
            message = await inbox.next_msg(timeout=5)
            await message.ack_sync()
            await casework.jetstream().publish(PUBLISHES["casework"][0].SUBJECT, b"{}")
