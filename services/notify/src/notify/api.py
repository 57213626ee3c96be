"""The HTTP door: what became of an appointment's messages, sending one again, and looking at all mails."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from chassis.http import Body, Now, Tx, bearer
from chassis.idempotency import IdempotencyKey, once
from contracts.actors import Clerk
from contracts.ids import AppointmentId
from contracts.notify import MessageKind
from contracts.text import Language
from notify import clerk_usecases, preview
from notify.errors import RoleMissing, StalePage, UnknownMessage
from notify.mail import Composer
from notify.model import Channel, masked
from notify.tables import MessageRow

router = APIRouter()
TheClerk = Annotated[Clerk, Depends(bearer(Clerk))]
#: A mail is shown as a document of its own that may load and do nothing.
_ALONE = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox"}
_MEDIA = {"html": "text/html", "text": "text/plain", "ics": "text/calendar"}


async def _lead(clerk: TheClerk) -> Clerk:
    if clerk.role not in ("lead", "admin"):
        raise RoleMissing("Please ask a lead of your office.")
    return clerk


TheLead = Annotated[Clerk, Depends(_lead)]


class MessageView(BaseModel):
    """A message for the clerks of the office: what became of it, and enough of the address to recognise it."""

    message_id: UUID
    kind: MessageKind
    channel: Channel
    state: str = Field(description="pending, delivered, failed or dropped (it was not true any more)")
    tries: int
    trouble: str | None = Field(description="Why the last try failed: deferred, unreachable, refused, invalid_address")
    address: str
    created_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, row: MessageRow) -> "MessageView":
        """`row` without what was written."""
        return cls.model_validate(
            row.model_dump(include=set(cls.model_fields)) | {"message_id": row.id, "address": masked(row.recipient)}
        )


class MessagesView(BaseModel):
    """All messages of an appointment, newest first."""

    messages: list[MessageView]


class ResendRequest(Body):
    """Send it again, to where the citizen is written to now. Booking corrects the address."""

    email: str | None = Field(default=None, description="Pages of old named an address here: refused.")


class Resent(BaseModel):
    """What is kept of having sent it again: as which message. To whom it went is the message's alone."""

    message_id: UUID


class PreviewsView(BaseModel):
    """All mails that can be looked at."""

    previews: list[preview.Preview]


@router.get("/appointments/{appointment_id}/messages")
async def messages(appointment_id: UUID, clerk: TheClerk, tx: Tx) -> MessagesView:
    """What was written about an appointment of the clerk's office, and what became of it; 404 if nothing was."""
    rows = await clerk_usecases.messages(tx, clerk, AppointmentId(appointment_id))
    return MessagesView(messages=[MessageView.of(row) for row in rows])


@router.post("/appointments/{appointment_id}/messages/{message_id}/resend", status_code=202)
async def resend(
    appointment_id: UUID,
    message_id: UUID,
    body: ResendRequest,
    clerk: TheClerk,
    key: IdempotencyKey,
    request: Request,
    tx: Tx,
    now: Now,
) -> MessageView:
    """Queues the message once more, as a new one.

    409 not_resendable when its link or offer is not good any more, stale_page when another address is named here.
    """
    if body.email is not None:
        raise StalePage("Please load the page anew: there the address is corrected for the whole appointment.")

    about = AppointmentId(appointment_id)

    async def act() -> Resent:
        return Resent(message_id=await clerk_usecases.resend(tx, clerk, about, message_id, now))

    scope = f"resend:{clerk.sub}:{message_id}"
    resent = await once(tx, scope=scope, key=key, request=body, now=now, answer=Resent, act=act)
    tx.after_commit(request.app.state.wake)
    return MessageView.of(await clerk_usecases.message(tx, clerk, about, resent.message_id))


@router.get("/preview")
async def all_previews(_: TheLead) -> PreviewsView:
    """Which mails there are, by kind, language and kind of language."""
    return PreviewsView(previews=list(preview.previews()))


@router.get("/preview/{kind}", response_class=Response)
async def one_preview(
    kind: MessageKind,
    clerk: TheLead,
    request: Request,
    language: Language = "de",
    plain: bool = False,
    format: preview.Format = "html",
) -> Response:
    """One mail of the clerk's office with sample data in one form; 404 if it has no such form."""
    composer: Composer = request.app.state.composer
    mail = preview.compose(composer, preview.Preview(kind, language, plain), clerk.office)
    content = preview.content(mail, format)
    if content is None:
        raise UnknownMessage("This e-mail carries no calendar entry.")
    return Response(content, media_type=f"{_MEDIA[format]}; charset=utf-8", headers=_ALONE)
