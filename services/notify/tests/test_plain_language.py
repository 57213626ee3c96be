"""Who asked for plain language when booking gets every mail in it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, get_args

import pytest

from chassis.database import Database
from contracts.base import Event, Meta
from contracts.booking import BookingCompleted
from contracts.notify import MessageKind
from contracts.text import Language
from notify.mail import has_plain_language

Apply = Callable[..., Awaitable[bool]]


@pytest.fixture
def plainly(samples: Mapping[str, tuple[Meta, Event]]) -> dict[str, Any]:
    booked = samples["booking.completed.v1"][1]
    assert isinstance(booked, BookingCompleted)
    return {"citizen": booked.citizen.model_copy(update={"plain_language": True})}


async def told_plainly(database: Database, kind: str) -> bool:
    async with database.transaction() as tx:
        (row,) = await tx.rows("SELECT plain_language FROM ours.message WHERE kind = :kind", kind=kind)
    return bool(row["plain_language"])


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("kind", get_args(MessageKind))
def test_every_mail_is_there_in_plain_language(kind: MessageKind, language: Language) -> None:
    assert has_plain_language(kind, language)


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("booking.rescheduled.v1", "rescheduled"),
        ("booking.cancelled.v1", "cancellation"),
        ("booking.no_show.v1", "no_show"),
    ],
)
async def test_what_booking_tells_says_so_itself(
    apply: Apply, database: Database, plainly: dict[str, Any], subject: str, kind: str
) -> None:
    await apply(subject, **plainly)
    assert await told_plainly(database, kind)


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        ("casework.case_completed.v1", "completion"),
        ("payment.captured.v1", "receipt"),
        ("payment.refunded.v1", "refund"),
    ],
)
async def test_what_others_tell_is_written_as_the_booking_asked_for(
    apply: Apply, database: Database, plainly: dict[str, Any], subject: str, kind: str
) -> None:
    await apply("booking.completed.v1", **plainly)
    await apply(subject)
    assert await told_plainly(database, kind)


async def test_nobody_gets_it_unasked(apply: Apply, database: Database) -> None:
    await apply("booking.completed.v1")
    await apply("casework.case_completed.v1")
    assert not await told_plainly(database, "completion")
