"""Every mail as it would be written, with the contracts' samples: for operators to read, and for tests to compare."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from html import escape
from pathlib import Path
from typing import Final, Literal, get_args
from uuid import UUID

from contracts.base import AppointmentEvent
from contracts.booking import (
    BookingCancelled,
    BookingCompleted,
    BookingContactChanged,
    BookingNoShow,
    BookingRescheduled,
    ConfirmationAsked,
    SlotOffered,
    WaitingEnded,
    WaitingJoined,
)
from contracts.casework import CaseCompleted
from contracts.catalogue import load_catalogue
from contracts.notify import MessageKind
from contracts.offices import Offices, load_offices
from contracts.payment import PaymentCaptured, PaymentRefunded
from contracts.samples import load
from contracts.text import Language
from notify import contexts
from notify.mail import Composer, has_plain_language
from notify.model import Context, Message

Format = Literal["html", "text", "ics"]
KINDS: Final[tuple[MessageKind, ...]] = get_args(MessageKind)
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
_SUFFIX: Final[dict[Format, str]] = {"text": "txt", "html": "html", "ics": "ics"}
_ID: Final = UUID("5f1c2d3e-0000-4000-8000-000000000001")


@dataclass(frozen=True)
class Preview:
    """One mail that can be looked at."""

    kind: MessageKind
    language: Language
    plain: bool

    @property
    def name(self) -> str:
        """How its files are named."""
        return f"{self.kind}.plain.{self.language}" if self.plain else f"{self.kind}.{self.language}"


def previews() -> Iterator[Preview]:
    """All of them: every kind in every language, and in plain language where there is such a text."""
    for kind in KINDS:
        for language in LANGUAGES:
            for plain in (False, True):
                if not plain or has_plain_language(kind, language):
                    yield Preview(kind, language, plain)


def compose(composer: Composer, preview: Preview, office: str) -> EmailMessage:
    """The mail of `preview` as a citizen of `office` would get it."""
    events = {type(event): event for _, event in load().values() if isinstance(event, AppointmentEvent)}
    event, context, now = _sample(preview.kind, events)
    message = Message(
        id=_ID,
        office=event.office,
        appointment_id=event.appointment_id,
        kind=preview.kind,
        cause=_ID,
        recipient="amelie@example.org",
        language=preview.language,
        context=context,
        created_at=now,
        tries=1,
        plain_language=preview.plain,
    )
    return composer.compose(replace(message, office=type(event.office)(office))).read()


def content(mail: EmailMessage, form: Format) -> str | None:
    """The mail in one form, the text with its subject on top; None if it has none, as most have no calendar entry."""
    if form == "ics":
        return next((str(part.get_content()) for part in mail.iter_attachments()), None)
    body = mail.get_body(("plain" if form == "text" else "html",))
    assert body is not None, "every mail has both"
    said = str(body.get_content())
    return f"{mail['Subject']}\n\n{said}" if form == "text" else said


def write(directory: Path, offices_dir: Path, office: str | None = None) -> list[Path]:
    """Write every mail as files below `directory`, with a page that shows them. Returns what was written.

    Raises contracts.offices.OfficeError for a bad office file, KeyError for an unknown office.
    """
    catalogue = load_catalogue()
    offices: Offices = load_offices(offices_dir, catalogue)
    slug = office or next(iter(offices))
    composer = Composer(
        {slug: offices[slug]}, catalogue, public_origin="https://schalter.example", sender="noreply@schalter.example"
    )
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    shown: list[tuple[Preview, EmailMessage]] = []
    for preview in previews():
        mail = compose(composer, preview, slug)
        shown.append((preview, mail))
        for form, suffix in _SUFFIX.items():
            said = content(mail, form)
            if said is not None:
                path = directory / f"{preview.name}.{suffix}"
                path.write_text(said, encoding="utf-8", newline="")
                written.append(path)
    index = directory / "index.html"
    index.write_text(_index(shown), encoding="utf-8")
    return [*written, index]


def _sample(
    kind: MessageKind, events: dict[type[AppointmentEvent], AppointmentEvent]
) -> tuple[AppointmentEvent, Context, datetime]:
    """The event that brings a mail of `kind`, what its template is told, and when it is written."""
    booked, moved = events[BookingCompleted], events[BookingRescheduled]
    off, missed, offered = events[BookingCancelled], events[BookingNoShow], events[SlotOffered]
    done, paid, listed = events[CaseCompleted], events[PaymentCaptured], events[WaitingJoined]
    back, changed, gone = events[PaymentRefunded], events[BookingContactChanged], events[WaitingEnded]
    asked = events[ConfirmationAsked]
    assert isinstance(booked, BookingCompleted)
    assert isinstance(moved, BookingRescheduled)
    assert isinstance(off, BookingCancelled)
    assert isinstance(missed, BookingNoShow)
    assert isinstance(offered, SlotOffered)
    assert isinstance(listed, WaitingJoined)
    assert isinstance(done, CaseCompleted)
    assert isinstance(paid, PaymentCaptured)
    assert isinstance(back, PaymentRefunded)
    assert isinstance(changed, BookingContactChanged)
    assert isinstance(gone, WaitingEnded)
    assert isinstance(asked, ConfirmationAsked)
    before = booked.starts_at - timedelta(days=1)
    match kind:
        case "confirmation":
            return booked, contexts.booked(booked), before
        case "confirm_address":
            return asked, contexts.asked_to_confirm(asked), before
        case "reminder":
            return booked, contexts.booked(booked), before
        case "rescheduled":
            return moved, contexts.moved(moved), before
        case "link":
            return changed, contexts.readdressed(changed), changed.ends_at + timedelta(hours=1)
        case "cancellation":
            return off, contexts.cancelled(off, 1), before
        case "no_show":
            return missed, contexts.appointment(missed), missed.marked_at
        case "waiting_list":
            return listed, contexts.listed(listed), before
        case "waiting_over":
            return gone, contexts.waiting_ended(gone), before
        case "slot_offer":
            return offered, contexts.offered(offered, booked.reference), before
        case "completion":
            return done, contexts.completed(done) | contexts.papers(contexts.booked(booked)), done.completed_at
        case "receipt":
            told = contexts.paid(paid, booked.reference, booked.citizen.name)
            return paid, told | contexts.papers(contexts.booked(booked)), paid.at
        case "refund":
            return back, contexts.refunded(back, booked.reference, booked.citizen.name), back.at


def _index(shown: list[tuple[Preview, EmailMessage]]) -> str:
    rows = "".join(
        f"<section><h2>{escape(preview.name)}</h2><p>{escape(str(mail['Subject']))}</p>"
        f'<p><a href="{preview.name}.html">HTML</a> <a href="{preview.name}.txt">Text</a>'
        f"{_calendar_link(preview, mail)}</p>"
        f'<iframe title="{escape(preview.name)}" src="{preview.name}.html" sandbox=""></iframe></section>'
        for preview, mail in shown
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Schalter: e-mails</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><style>'
        "body{margin:2rem;font:16px/1.5 system-ui,sans-serif;background:#f3f4f8;color:#171a2b}"
        "main{display:grid;gap:2rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr))}"
        "section{padding:1rem;border-radius:12px;background:#fff}h2{margin:0;font-size:1.1rem}p{margin:.25rem 0}"
        "iframe{width:100%;height:36rem;border:1px solid #8b8fa3;border-radius:8px;background:#fff}"
        f"</style></head><body><h1>E-mails of this installation</h1><main>{rows}</main></body></html>\n"
    )


def _calendar_link(preview: Preview, mail: EmailMessage) -> str:
    return f' <a href="{preview.name}.ics">Calendar</a>' if content(mail, "ics") else ""
