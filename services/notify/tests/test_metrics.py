"""A mail server that is away is seen by what waits, and nothing has to be sent for a series to be there."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from chassis.database import Database
from notify import metrics, usecases
from notify.model import Trouble

Apply = Callable[..., Awaitable[bool]]


def told(channel: str) -> tuple[float, float]:
    waiting, oldest = metrics.WAITING.labels(channel), metrics.OLDEST_SECONDS.labels(channel)
    return waiting._value.get(), oldest._value.get()


async def test_what_waits_is_counted_by_channel_with_the_age_of_the_oldest(
    database: Database, apply: Apply, clock: Any
) -> None:
    await metrics.count(database, clock)
    assert (told("mail"), told("sms")) == ((0, 0), (0, 0))
    assert await apply("booking.completed.v1")
    clock.now += timedelta(minutes=20)
    await metrics.count(database, clock)
    waiting, oldest = told("mail")
    assert waiting >= 1
    assert oldest == 20 * 60
    assert told("sms") == (0, 0)


async def test_one_mailbox_that_is_full_is_no_mail_server_that_is_away(
    database: Database, apply: Apply, clock: Any
) -> None:
    assert await apply("booking.completed.v1")

    async def all_are_put_off() -> float:
        clock.now += timedelta(hours=2)
        for message in await usecases.claim_due(database, clock(), by=uuid4()):
            await usecases.settle_trouble(database, message, Trouble.DEFERRED, clock())
        await metrics.count(database, clock)
        return told("mail")[1]

    assert await all_are_put_off() == 0
    assert told("mail")[0] >= 1, "it waits all the same"
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO message SELECT (jsonb_populate_record(m, to_jsonb(m) || jsonb_build_object("
            " 'id', gen_random_uuid(), 'cause', gen_random_uuid(), 'key', gen_random_uuid(),"
            " 'recipient', n || '@town.example'))).*"
            " FROM message m, generate_series(1, 3) n WHERE m.kind = 'confirmation' AND m.office = :office",
            office="demo",
        )
    assert await all_are_put_off() == 4 * 3600, "nobody's mailbox any more"


def test_every_outcome_of_every_kind_is_there_from_the_start() -> None:
    metrics.begin_at_zero()
    series = {
        (sample.labels["kind"], sample.labels["outcome"])
        for metric in metrics.MAILS.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }
    assert {("confirmation", "refused"), ("reminder", "unreachable"), ("receipt", "delivered")} <= series


async def test_a_mail_that_reaches_nobody_is_told_with_its_reason(database: Database, apply: Apply, clock: Any) -> None:
    database.on_committed(metrics.published)
    given_up = metrics.GIVEN_UP.labels("confirmation", "refused")
    before = given_up._value.get()
    assert await apply("booking.completed.v1")
    (message, *_) = await usecases.claim_due(database, clock(), by=uuid4())
    await usecases.settle_trouble(database, message, Trouble.REFUSED, clock())
    assert given_up._value.get() == before + 1
