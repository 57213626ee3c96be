"""Who publishes what, and who listens. Streams, consumers and the bus permissions of every service derive from this."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from contracts import booking, casework, notify, payment, signaling
from contracts.base import Event

SERVICES: Final = ("booking", "signaling", "casework", "payment", "notify")

PUBLISHES: Final[Mapping[str, tuple[type[Event], ...]]] = {
    "booking": (
        booking.BookingCompleted,
        booking.BookingRescheduled,
        booking.BookingContactChanged,
        booking.BookingCancelled,
        booking.BookingNoShow,
        booking.BookingResumed,
        booking.BookingErased,
        booking.ConfirmationAsked,
        booking.LinkAsked,
        booking.RemindersChosen,
        booking.SlotOffered,
        booking.WaitingJoined,
        booking.WaitingEnded,
    ),
    "signaling": (
        signaling.ParticipantWaiting,
        signaling.ParticipantLeft,
        signaling.Admitted,
        signaling.CallStarted,
        signaling.CallEnded,
        signaling.CheckFinished,
        signaling.ClerksPresent,
    ),
    "casework": (
        casework.CaseOpened,
        casework.StageChanged,
        casework.ApplicationConfirmed,
        casework.Signed,
        casework.PaymentRequested,
        casework.CaseCompleted,
        casework.CaseAborted,
    ),
    "payment": (
        payment.PaymentAuthorised,
        payment.PaymentCaptured,
        payment.PaymentRefunded,
        payment.PaymentFailed,
        payment.PaymentVoided,
    ),
    "notify": (notify.Delivered, notify.Failed),
}

CONSUMES: Final[Mapping[str, tuple[type[Event], ...]]] = {
    "booking": (
        casework.CaseCompleted,
        casework.CaseAborted,
        signaling.ParticipantWaiting,
        signaling.ParticipantLeft,
        signaling.CallStarted,
        signaling.CallEnded,
        signaling.ClerksPresent,
        notify.Failed,
    ),
    "signaling": (
        booking.BookingCompleted,
        booking.BookingRescheduled,
        booking.BookingContactChanged,
        booking.BookingCancelled,
        booking.BookingNoShow,
        booking.BookingResumed,
        booking.BookingErased,
        casework.CaseOpened,
        casework.StageChanged,
        casework.ApplicationConfirmed,
        casework.Signed,
        casework.CaseCompleted,
        casework.CaseAborted,
    ),
    "casework": (
        booking.BookingCompleted,
        booking.BookingRescheduled,
        booking.BookingContactChanged,
        booking.BookingCancelled,
        booking.BookingNoShow,
        booking.BookingResumed,
        booking.BookingErased,
        signaling.ParticipantWaiting,
        signaling.ParticipantLeft,
        signaling.Admitted,
        signaling.CallStarted,
        signaling.CallEnded,
        signaling.CheckFinished,
        *PUBLISHES["payment"],
        *PUBLISHES["notify"],
    ),
    "payment": (
        casework.PaymentRequested,
        casework.CaseCompleted,
        casework.CaseAborted,
        booking.BookingRescheduled,
        booking.BookingContactChanged,
        booking.BookingCancelled,
        booking.BookingNoShow,
        booking.BookingResumed,
    ),
    "notify": (
        booking.BookingCompleted,
        booking.BookingRescheduled,
        booking.BookingContactChanged,
        booking.BookingCancelled,
        booking.BookingNoShow,
        booking.BookingResumed,
        booking.BookingErased,
        booking.ConfirmationAsked,
        booking.LinkAsked,
        booking.RemindersChosen,
        booking.SlotOffered,
        booking.WaitingJoined,
        booking.WaitingEnded,
        payment.PaymentCaptured,
        payment.PaymentRefunded,
        casework.CaseCompleted,
        casework.CaseAborted,
    ),
}

EVENTS: Final[Mapping[str, type[Event]]] = {event.SUBJECT: event for events in PUBLISHES.values() for event in events}
#: After one of these nothing is kept of whom it is about.
FORGETTING: Final = tuple(subject for subject, event in EVENTS.items() if event.FORGETS)


@dataclass(frozen=True)
class Stream:
    """A JetStream stream: every publisher has one, and one keeps the dead letters of all."""

    name: str
    subjects: tuple[str, ...]
    max_age: timedelta
    max_bytes: int


DEAD_LETTERS: Final = Stream("DEAD_LETTERS", ("dead.>",), timedelta(days=30), 64 * 1024**2)
STREAMS: Final[Mapping[str, Stream]] = {
    service: Stream(service.upper(), (f"{service}.>",), timedelta(days=14), 256 * 1024**2) for service in SERVICES
}


def stream_of(event: type[Event]) -> Stream:
    """The stream that carries `event`: that of its publisher."""
    return STREAMS[event.SUBJECT.split(".", 1)[0]]


def durable(service: str, event: type[Event]) -> str:
    """The durable consumer of `service` for `event`: also the consumer's name in the inbox."""
    return f"{service}-{event.SUBJECT.replace('.', '-')}"


def dead_letter_subject(service: str, subject: str) -> str:
    """Where `service` puts a message of `subject` that it cannot process."""
    return f"dead.{service}.{subject}"
