"""Events of the signaling service: who is where, and what the technical check found. No media, no content."""

from typing import ClassVar, Literal

from pydantic import Field

from contracts.base import AppointmentEvent, Event, Instant
from contracts.ids import ClerkId

Participant = Literal["citizen", "clerk"]


class ParticipantWaiting(AppointmentEvent):
    """Somebody entered the room and is present, not yet admitted."""

    SUBJECT: ClassVar[str] = "signaling.participant_waiting.v1"

    role: Participant
    since: Instant


class ParticipantLeft(AppointmentEvent):
    """Somebody is gone from the room for longer than a reconnect takes."""

    SUBJECT: ClassVar[str] = "signaling.participant_left.v1"

    role: Participant
    at: Instant


class Admitted(AppointmentEvent):
    """The clerk let the citizen in."""

    SUBJECT: ClassVar[str] = "signaling.admitted.v1"

    clerk_id: ClerkId
    at: Instant


class CallStarted(AppointmentEvent):
    """Both are in the call."""

    SUBJECT: ClassVar[str] = "signaling.call_started.v1"

    started_at: Instant


class CallEnded(AppointmentEvent):
    """The call is over."""

    SUBJECT: ClassVar[str] = "signaling.call_ended.v1"

    ended_at: Instant
    seconds: int = Field(ge=0, description="How long both were in the call.")


class ClerksPresent(Event):
    """Which clerks of the office have their workplace open: said at every change, and twice a minute while anybody is
    there. Whoever hears nothing of an office for ninety seconds may take it that nobody is.
    """

    SUBJECT: ClassVar[str] = "signaling.clerks_present.v1"

    clerks: tuple[ClerkId, ...]
    at: Instant


class CheckFinished(AppointmentEvent):
    """The citizen ran the technical check."""

    SUBJECT: ClassVar[str] = "signaling.check_finished.v1"

    outcome: Literal["good", "limited", "failed"]
    rtt_ms: int | None = Field(default=None, ge=0, le=60_000)
    camera: bool
    microphone: bool
    network: bool
    at: Instant
