"""The rules of delivery: what a message is, when it is tried again, and when it is given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID, uuid5

from contracts.ids import AppointmentId, OfficeSlug
from contracts.notify import MessageKind
from contracts.text import Language

#: What a template needs to know, as plain JSON.
Context = dict[str, str | int | list[str] | list[int] | None]
#: By which way a message goes.
Channel = Literal["mail", "sms"]
#: Messages whose link dies when the appointment moves or is off.
LINKED: Final[tuple[MessageKind, ...]] = ("confirmation", "reminder", "rescheduled", "slot_offer")


class Trouble(StrEnum):
    """Classes of delivery errors."""

    DEFERRED = "deferred"  # the server said 4xx, or spoke unintelligibly: try again
    UNREACHABLE = "unreachable"  # no connection, or it broke: try again
    REFUSED = "refused"  # the server said 5xx: never try again
    INVALID_ADDRESS = "invalid_address"  # the server knows no such recipient: never try again


_HOURS: Final = (3600, 3600 * 4, 3600 * 8, 3600 * 12)
#: Waits between tries, in seconds, at least. With the last one a mail server may be away for about a day. Who says
#: "later" (4xx) means minutes: greylisting servers count an early second try against us.
_DELAYS: Final = {
    Trouble.UNREACHABLE: (1, 5, 15, 60, 300, 900, *_HOURS),
    Trouble.DEFERRED: (30, 120, 300, 900, 1800, *_HOURS),
}
#: Up to this much longer, by chance, so that what failed together does not come back together.
_SPREAD: Final = 0.25
_FINAL: Final = frozenset({Trouble.REFUSED, Trouble.INVALID_ADDRESS})


@dataclass(frozen=True)
class Message:
    """One mail to one citizen for one cause."""

    id: UUID
    office: OfficeSlug
    appointment_id: AppointmentId
    kind: MessageKind
    cause: UUID
    recipient: str
    language: Language
    context: Context
    created_at: datetime
    tries: int
    valid_until: datetime | None = None
    plain_language: bool = False
    channel: Channel = "mail"

    def message_id(self, domain: str) -> str:
        """The mail's Message-ID, the same over all tries, so that a mail server can tell a second copy (RFC 5322)."""
        return f"<{self.id}@{domain}>"


@dataclass(frozen=True)
class Claim:
    """That one process alone may send a message: whose it is, and until when at the latest."""

    by: UUID
    until: datetime


@dataclass(frozen=True)
class Claimed:
    """A message under a claim."""

    message_id: UUID
    by: UUID
    until: datetime


@dataclass(frozen=True)
class Standing:
    """How an appointment stands after all that has been heard of it, in whatever order it came."""

    newest_generation: int
    over: bool
    settled: bool = False
    corrected_email: str | None = None
    plain_language: bool = False

    def still_good(self, generation: int) -> bool:
        """Whether a mail with the link of this generation is worth sending: its link is the newest, and not dead."""
        return not self.over and generation >= self.newest_generation


def masked(address: str) -> str:
    """As much of an address as it takes to recognise it: "a…@example.org", or the last digits of a number."""
    name, at, domain = address.rpartition("@")
    if not at:
        return f"…{address[-3:]}" if address else ""
    return f"{name[:1]}…@{domain}"


def key(kind: MessageKind, cause: UUID, channel: Channel = "mail") -> str:
    """The key that makes a message unique: one kind of message per cause and way."""
    return f"{kind}:{cause}" if channel == "mail" else f"{channel}:{kind}:{cause}"


def fixed_id(kind: MessageKind, cause: UUID, channel: Channel = "mail") -> UUID:
    """The id of that message, always the same: when a database was restored that knows nothing of its hand-over, it
    goes out again under the Message-ID by which mail servers and readers know the second copy."""
    return uuid5(cause, key(kind, cause, channel))


@dataclass(frozen=True)
class Planned:
    """A reminder to come. It is worthless from `valid_until`: when the next one is due, or the appointment begins."""

    id: UUID
    due_at: datetime
    valid_until: datetime


def reminders(
    appointment_id: AppointmentId, generation: int, starts_at: datetime, before: Sequence[int], now: datetime
) -> list[Planned]:
    """The reminders of an appointment, `before` minutes ahead of it, that are still to come.

    One whose time has passed is left out: "tomorrow" helps nobody ten minutes before. The ids follow from the
    appointment, the generation of its link and the minutes, so that planning again plans the same ones.
    """
    ends = [starts_at]
    planned = []
    for minutes in sorted(before):
        due_at = starts_at - timedelta(minutes=minutes)
        if due_at > now:
            planned.append(Planned(uuid5(appointment_id, f"reminder:{generation}:{minutes}"), due_at, ends[-1]))
        ends.append(due_at)
    return planned


def next_try(trouble: Trouble, tries: int, now: datetime, *, spread: float = 0) -> datetime | None:
    """When to try again after `tries` failed ones; None when the message is given up.

    `spread`, from 0 to 1, is chance: up to a quarter is added to the wait.
    """
    delays = () if trouble in _FINAL else _DELAYS[trouble]
    if tries > len(delays):
        return None
    return now + timedelta(seconds=delays[tries - 1] * (1 + _SPREAD * spread))
