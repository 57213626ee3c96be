"""Events of the signaling service: who is where, and what the technical check found. No media, no content."""

from typing import ClassVar, Literal

from pydantic import Field

from contracts.base import Event, Instant
from contracts.ids import ClerkId

Participant = Literal["citizen", "clerk"]


class ParticipantWaiting(Event):
    """Somebody entered the room and is present, not yet admitted."""

    SUBJECT: ClassVar[str] = "signaling.participant_waiting.v1"

    role: Participant
    since: Instant


class ParticipantLeft(Event):
    """Somebody is gone from the room for longer than a reconnect takes."""

    SUBJECT: ClassVar[str] = "signaling.participant_left.v1"

    role: Participant
    at: Instant


class Admitted(Event):
    """The clerk let the citizen in."""

    SUBJECT: ClassVar[str] = "signaling.admitted.v1"

    clerk_id: ClerkId
    at: Instant


class CallStarted(Event):
    """Both are in the call."""

    SUBJECT: ClassVar[str] = "signaling.call_started.v1"

    started_at: Instant


class CallEnded(Event):
    """The call is over."""

    SUBJECT: ClassVar[str] = "signaling.call_ended.v1"

    ended_at: Instant
    seconds: int = Field(ge=0, description="How long both were in the call.")


class CheckFinished(Event):
    """The citizen ran the technical check."""

    SUBJECT: ClassVar[str] = "signaling.check_finished.v1"

    outcome: Literal["good", "limited", "failed"]
    rtt_ms: int | None = Field(default=None, ge=0, le=60_000)
    camera: bool
    microphone: bool
    network: bool
    at: Instant
