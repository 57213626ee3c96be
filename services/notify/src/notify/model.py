"""The rules of delivery: what a message is, when it is tried again, and when it is given up."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from contracts.booking import CitizenContact
from contracts.ids import AppointmentId, OfficeSlug
from contracts.notify import MessageKind
from contracts.text import Language

#: What a template needs to know, as plain JSON.
Context = dict[str, str | int | list[str] | list[int] | list[dict[str, str]] | None]
#: By which way a message goes.
Channel = Literal["mail", "sms"]
#: Messages whose link dies when the appointment moves or is off.
LINKED: Final[tuple[MessageKind, ...]] = ("confirmation", "reminder", "rescheduled", "slot_offer")

_OF_THE_LINK: Final = ("link_token", "generation")


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
    #: The ids under which the log and the traces tell of it; nothing of it is sent.
    carried: Mapping[str, str] | None = None

    @property
    def content(self) -> str:
        """What it says, whatever its link: the same for a mail that is sent once more."""
        said = {name: value for name, value in self.context.items() if name not in _OF_THE_LINK}
        return f"{self.kind} {json.dumps(said, sort_keys=True)}"

    def with_link_of(self, newest: "Context") -> "Context":
        """What the template is told, with the link that `newest` tells instead of the one it has, if it has one."""
        return self.context | {name: newest[name] for name in _OF_THE_LINK if name in self.context and name in newest}

    def again(self, cause: UUID, recipient: str, newest: "Context", now: datetime) -> "Message":
        """The same for a new cause to somebody else: its link, if it has one, is the one that `newest` tells."""
        return replace(
            self,
            id=fixed_id(self.kind, cause),
            cause=cause,
            recipient=recipient,
            context=self.with_link_of(newest),
            created_at=now,
            tries=0,
        )

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
class Returned:
    """A message whose mail came back: what is told of it."""

    office: OfficeSlug
    appointment_id: AppointmentId
    kind: MessageKind
    cause: UUID


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


@dataclass(frozen=True)
class Told:
    """What an event says of an appointment and of whom to write to about it; `over` and `settled` once said stay."""

    appointment_id: AppointmentId
    office: OfficeSlug
    reference: str
    citizen: CitizenContact
    generation: int = 0
    over: bool = False
    settled: bool = False
    appointment: Context | None = None
    ends_at: datetime | None = None


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


@dataclass(frozen=True)
class Letter:
    """What is written to whom, how long it is worth sending, and the reminders that are planned with it.

    `planned` None leaves those that are planned as they are.
    """

    kind: MessageKind
    citizen: CitizenContact
    context: Context
    valid_until: datetime | None = None
    planned: Sequence[Planned] | None = None


@dataclass(frozen=True)
class Waking:
    """When people are awake, by the clock of `zone`: from `first` to `last`."""

    first: time
    last: time
    zone: ZoneInfo

    def moved(self, due_at: datetime, starts_at: datetime) -> datetime:
        """`due_at` if people are awake then; else when they wake up, or, if that is too late, when they last were."""
        local = due_at.astimezone(self.zone)
        if self.first <= local.time() <= self.last:
            return due_at
        evening = local.time() > self.last
        wakes = self._at(local.date() + timedelta(days=1 if evening else 0), self.first)
        return wakes if wakes < starts_at else self._at(local.date() - timedelta(days=0 if evening else 1), self.last)

    def _at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self.zone).astimezone(UTC)


def reminders(
    appointment_id: AppointmentId,
    generation: int,
    starts_at: datetime,
    before: Sequence[int],
    now: datetime,
    *,
    waking: Waking | None = None,
) -> list[Planned]:
    """The reminders of an appointment, `before` minutes ahead of it while people are awake, that are still to come.

    One whose time has passed is left out: "tomorrow" helps nobody ten minutes before; of two that fall together the
    later one goes out. The ids follow from the appointment, the generation of its link and the minutes, so that
    planning again plans the same ones.
    """
    at: dict[datetime, int] = {}
    for minutes in sorted(before):
        due_at = starts_at - timedelta(minutes=minutes)
        at.setdefault(waking.moved(due_at, starts_at) if waking else due_at, minutes)
    ends = starts_at
    planned = []
    for due_at in sorted(at, reverse=True):
        if due_at > now:
            planned.append(Planned(uuid5(appointment_id, f"reminder:{generation}:{at[due_at]}"), due_at, ends))
        ends = due_at
    return planned


def next_try(trouble: Trouble, tries: int, now: datetime, *, spread: float = 0) -> datetime | None:
    """When to try again after `tries` failed ones; None when the message is given up.

    `spread`, from 0 to 1, is chance: up to a quarter is added to the wait.
    """
    delays = () if trouble in _FINAL else _DELAYS[trouble]
    if tries > len(delays):
        return None
    return now + timedelta(seconds=delays[tries - 1] * (1 + _SPREAD * spread))
