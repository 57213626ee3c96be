"""The messages of the signaling WebSocket: one discriminated union per direction.

Everything a client sends is validated here before anything else looks at it: known type, known fields, bounded sizes.
What is relayed is written anew from the validated model, so a peer never receives what the server did not understand.
"""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

#: The largest message taken, in bytes of UTF-8. A description with simulcast and many candidates is about 10 KB.
MAX_MESSAGE_BYTES: Final = 64 * 1024
HEARTBEAT_SECONDS: Final = 2
#: Silence after which a socket counts as dead: a cut path does not close a WebSocket (measured, CALL.md).
DEAD_SECONDS: Final = 5
HELLO_SECONDS: Final = 5

CLOSE_DONE: Final = 1000
CLOSE_UNAVAILABLE: Final = 1013
CLOSE_MALFORMED: Final = 4400
CLOSE_TICKET: Final = 4401
CLOSE_FORBIDDEN: Final = 4403
CLOSE_SILENT: Final = 4408
CLOSE_REPLACED: Final = 4409
CLOSE_TOO_LARGE: Final = 4413
CLOSE_FLOOD: Final = 4429

Role = Literal["citizen", "clerk"]
Epoch = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Random per page load.")]
#: Directly, through routers, over the relay; or not at all.
Path = Literal["host", "srflx", "relay", "none"]
Transport = Literal["udp", "tcp", "tls"]
ClosedReason = Literal["completed", "aborted", "cancelled", "rescheduled", "expired", "replaced", "left"]
CLOSED_REASON: Final[TypeAdapter[ClosedReason]] = TypeAdapter(ClosedReason)


class ProtocolError(Exception):
    """A message that ends the connection. `code` is the WebSocket close code, the text its reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Message(BaseModel):
    """Any message: immutable, unknown fields refused, no coercion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    def text(self) -> str:
        """The frame that carries this message."""
        return self.model_dump_json()


class SessionDescription(Message):
    """RTCSessionDescriptionInit, without the types that never travel (`pranswer`, `rollback`)."""

    type: Literal["offer", "answer"]
    sdp: str = Field(max_length=60 * 1024)


class IceCandidate(Message):
    """What `RTCIceCandidate.toJSON()` yields."""

    candidate: str = Field(max_length=1024)
    sdpMid: str | None = Field(default=None, max_length=64)  # noqa: N815 - the browser's name
    sdpMLineIndex: int | None = Field(default=None, ge=0, le=255)  # noqa: N815 - as RTCIceCandidate spells it
    usernameFragment: str | None = Field(default=None, max_length=256)  # noqa: N815 - as RTCIceCandidate spells it


# --- client to server ---------------------------------------------------------------------------------------------


class Hello(Message):
    """The first message, within `HELLO_SECONDS`: the ticket says who and which room, the epoch which page load."""

    type: Literal["hello"]
    ticket: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")
    epoch: Epoch


class Heartbeat(Message):
    type: Literal["heartbeat"] = "heartbeat"


class Description(Message):
    type: Literal["description"]
    description: SessionDescription


class Candidate(Message):
    type: Literal["candidate"]
    candidate: IceCandidate | None


class RestartRequest(Message):
    """The citizen asks for an ICE restart, or the server passes that on: only the clerk makes offers."""

    type: Literal["restart-request"] = "restart-request"


class Admit(Message):
    type: Literal["admit"]


class Dismiss(Message):
    type: Literal["dismiss"]


class IceServersRequest(Message):
    type: Literal["ice-servers"]


class PathFound(Message):
    """How this browser's connection to the other one came about: kinds and a time for the figures, no address.

    `path`: the longer way of the two ends' candidates; "none": at first none came about. `transport`: how this end
    reaches its relay, or what its candidate is. `again`: repaired; `milliseconds` since it was begun, or broke.
    """

    type: Literal["path"]
    path: Path
    transport: Transport | None
    milliseconds: int = Field(ge=0, le=600_000)
    again: bool


class Leave(Message):
    type: Literal["leave"]


ClientMessage = Annotated[
    Hello
    | Heartbeat
    | Description
    | Candidate
    | RestartRequest
    | Admit
    | Dismiss
    | IceServersRequest
    | PathFound
    | Leave,
    Field(discriminator="type"),
]
_CLIENT: Final[TypeAdapter[ClientMessage]] = TypeAdapter(ClientMessage)


def parse(frame: str) -> ClientMessage:
    """Validate one text frame of a client.

    Raises ProtocolError: 4413 when it is larger than `MAX_MESSAGE_BYTES`, 4400 for anything that is not a message.
    """
    # A character is one to four bytes of UTF-8, so most frames are cleared without encoding them.
    if len(frame) > MAX_MESSAGE_BYTES // 4 and len(frame.encode(errors="replace")) > MAX_MESSAGE_BYTES:
        raise ProtocolError(CLOSE_TOO_LARGE, "message too large")
    try:
        return _CLIENT.validate_json(frame)
    except (ValidationError, UnicodeError):
        # The error would repeat what was sent; a close reason of 123 bytes is no place for it, nor is the log.
        raise ProtocolError(CLOSE_MALFORMED, "malformed message") from None


# --- server to client ---------------------------------------------------------------------------------------------


class OwnSeat(Message):
    epoch: Epoch


class Peer(Message):
    present: bool
    epoch: Epoch


class StageView(Message):
    stage: str
    revision: int


class Welcome(Message):
    """The answer to `hello`: the room as it is now. In a lobby there is no appointment and nobody opposite."""

    type: Literal["welcome"] = "welcome"
    role: Role
    office: str
    appointment_id: UUID | None
    self: OwnSeat
    admitted: bool
    peer: Peer | None
    stage: StageView | None
    heartbeat_seconds: int = HEARTBEAT_SECONDS
    #: Whether this server takes PathFound: one from before closes the socket of who sends it.
    takes_path: bool = True


class PeerJoined(Message):
    """The other side is connected. Same epoch as before: it reconnected; another one: its page was loaded anew."""

    type: Literal["peer-joined"] = "peer-joined"
    epoch: Epoch


class PeerLeft(Message):
    """The other side has no connection to the server at the moment; a running call need not notice."""

    type: Literal["peer-left"] = "peer-left"


class Waiting(Message):
    """What the waiting citizen may honestly be told."""

    type: Literal["waiting"] = "waiting"
    ahead: int
    estimate_seconds: int | None
    clerk_present: bool


class Admitted(Message):
    type: Literal["admitted"] = "admitted"


class Dismissed(Message):
    type: Literal["dismissed"] = "dismissed"


class RelayedDescription(Message):
    type: Literal["description"] = "description"
    description: SessionDescription
    epoch: Epoch


class RelayedCandidate(Message):
    type: Literal["candidate"] = "candidate"
    candidate: IceCandidate | None
    epoch: Epoch


class IceServer(Message):
    """RTCIceServer. TURN entries carry credentials that expire."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class IceServers(Message):
    type: Literal["ice-servers"] = "ice-servers"
    ice_servers: list[IceServer]

    def text(self) -> str:
        """Without nulls: a browser would read `username: null` as the name "null"."""
        return self.model_dump_json(exclude_none=True)


class CaseChanged(Message):
    """Something the room shows changed: read the case anew from casework."""

    type: Literal["case-changed"] = "case-changed"
    subject: str
    stage: str | None = None
    revision: int | None = None


class Closed(Message):
    type: Literal["closed"] = "closed"
    reason: ClosedReason


class Error(Message):
    """A refused request; the connection stays unless a close follows."""

    type: Literal["error"] = "error"
    code: str
    detail: str


class LobbyEntry(Message):
    """One citizen who waits or is in a call, as the clerks of the office see it."""

    appointment_id: UUID
    since: datetime
    starts_at: datetime
    admitted: bool
    present: bool


class Lobby(Message):
    type: Literal["lobby"] = "lobby"
    waiting: list[LobbyEntry]


ServerMessage = Annotated[
    Welcome
    | Heartbeat
    | PeerJoined
    | PeerLeft
    | Waiting
    | Admitted
    | Dismissed
    | RelayedDescription
    | RelayedCandidate
    | RestartRequest
    | IceServers
    | CaseChanged
    | Closed
    | Error
    | Lobby,
    Field(discriminator="type"),
]
SERVER: Final[TypeAdapter[ServerMessage]] = TypeAdapter(ServerMessage)


def relay(message: Description | Candidate | RestartRequest, epoch: str) -> str:
    """The frame that the other side gets for `message`, with the sender's epoch, so that a late one is recognised."""
    if isinstance(message, Description):
        return RelayedDescription.model_construct(
            type="description", description=message.description, epoch=epoch
        ).model_dump_json()
    if isinstance(message, Candidate):
        return RelayedCandidate.model_construct(
            type="candidate", candidate=message.candidate, epoch=epoch
        ).model_dump_json()
    return RESTART_REQUEST


HEARTBEAT: Final = Heartbeat().text()
RESTART_REQUEST: Final = RestartRequest().text()
PEER_LEFT: Final = PeerLeft().text()
ADMITTED: Final = Admitted().text()
DISMISSED: Final = Dismissed().text()
