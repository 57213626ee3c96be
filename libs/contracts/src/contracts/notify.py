"""Events of the notify service: what became of a message. The recipient's address stays there."""

from typing import ClassVar, Literal
from uuid import UUID

from contracts.base import AppointmentEvent, Instant

MessageKind = Literal[
    "confirmation",
    "confirm_address",
    "reminder",
    "rescheduled",
    "link",
    "cancellation",
    "no_show",
    "waiting_list",
    "waiting_over",
    "slot_offer",
    "completion",
    "receipt",
    "refund",
]


class _NotifyEvent(AppointmentEvent):
    kind: MessageKind
    cause: UUID
    at: Instant


class Delivered(_NotifyEvent):
    """The mail server of the office took the message."""

    SUBJECT: ClassVar[str] = "notify.delivered.v1"


class Failed(_NotifyEvent):
    """The message could not be handed over and will not be tried again: somebody has to call the citizen."""

    SUBJECT: ClassVar[str] = "notify.failed.v1"

    reason: Literal["refused", "unreachable", "invalid_address"]
