"""From a message to the mail that is sent: templates, calendar entry, headers."""

from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime, parseaddr
from typing import Any, Final

from contracts.calendar import Appointment, Method, Organizer, calendar, revision
from contracts.catalogue import Catalogue
from contracts.email import for_the_wire
from contracts.notify import MessageKind
from contracts.offices import Office, Offices
from contracts.text import Language
from notify import mime
from notify.mime import Mail
from notify.model import Message
from notify.rendering import Form, has_template
from notify.returning import ReturnAddresses
from notify.template_variables import view

#: Kinds of messages that carry a calendar entry, with the METHOD that calendars act on (RFC 5546).
_METHODS: Final[Mapping[MessageKind, Method]] = {
    "confirmation": "REQUEST",
    "rescheduled": "REQUEST",
    "cancellation": "CANCEL",
}
#: RFC 3834: no out-of-office replies.
_FIXED: Final = b"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"


class Composer:
    """Makes mails out of messages."""

    def __init__(
        self,
        offices: Offices,
        catalogue: Catalogue,
        *,
        public_origin: str,
        sender: str,
        returning: ReturnAddresses | None = None,
    ) -> None:
        self._returning = returning
        self._offices = offices
        self._catalogue = catalogue
        self._origin = public_origin
        name, address = parseaddr(sender)
        self._sender = Address(name, addr_spec=for_the_wire(address))
        self._html, self._text = Form("html"), Form("txt")

    def compose(self, message: Message, now: datetime | None = None) -> Mail:
        """The mail for `message`, sent `now`: text, HTML and, about an appointment, a calendar entry.

        Raises ValueError for a line break in an address, so that none can add a header (RFC 5322).
        """
        office, language = self._offices[message.office], message.language
        recipient = for_the_wire(message.recipient)
        variables = view(message, office, self._catalogue, self._origin, now or message.created_at)
        template, letterhead = self._template(message), (message.office, language)
        subject = self._text.line(template, variables, part="subject")
        boundary = f"=_{message.id.hex}"
        parts = [
            mime.Part.text("plain", _tidy(self._text.mail(template, variables, letterhead=letterhead))),
            mime.Part.text("html", self._html.mail(template, variables, letterhead=letterhead) + "\n"),
        ]
        whole = mime.join("alternative", f"{boundary}.a", parts)
        entry = self._calendar(message, office, variables)
        if entry is not None:
            filename = "termin.ics" if language == "de" else "appointment.ics"
            whole = mime.join("mixed", f"{boundary}.m", [whole, mime.Part.calendar(*entry, filename=filename)])
        head = (
            mime.mailbox("From", self._sender.addr_spec, office.name.in_language(language)),
            mime.mailbox("To", recipient),
            mime.mailbox("Reply-To", for_the_wire(office.contact.email)),
            mime.text("Subject", " ".join(subject.split())),
            mime.text("Date", format_datetime(message.created_at)),
            mime.text("Message-ID", message.message_id(self._sender.domain)),
            _FIXED,
            mime.text("Content-Language", language),
            whole.head,
        )
        back_to = self._returning.of(message.id, message.created_at) if self._returning else self._sender.addr_spec
        return Mail(back_to, recipient, b"".join((*head, b"\r\n", whole.body)))

    def short(self, message: Message, now: datetime) -> str:
        """The short form of a reminder, for a telephone: one line, and no link, which is not the provider's to know."""
        office = self._offices[message.office]
        variables = view(message, office, self._catalogue, self._origin, now)
        text = self._text.line(f"{message.kind}.sms.{message.language}.j2", variables)
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())

    def _template(self, message: Message) -> str:
        """The template to take: not every kind has one in plain language."""
        plain = f"{message.kind}.plain.{message.language}.j2"
        return plain if message.plain_language and has_template(plain) else f"{message.kind}.{message.language}.j2"

    def _calendar(self, message: Message, office: Office, variables: dict[str, Any]) -> tuple[str, str] | None:
        method = _METHODS.get(message.kind)
        if method is None or variables["channel"] == "walk_in":  # it begins this very minute
            return None
        stored = message.context.get("generation")
        generation = max(1, stored) if isinstance(stored, int) else 1
        appointment = Appointment(
            appointment_id=message.appointment_id,
            revision=revision(generation, cancelled=method == "CANCEL"),
            reference=str(message.context["reference"]),
            starts_at=datetime.fromisoformat(str(message.context["starts_at"])),
            ends_at=datetime.fromisoformat(str(message.context["ends_at"])),
            zone=office.zone,
            language=message.language,
            office_name=variables["office_name"],
            services=variables["services"],
            link=variables["link"] if method == "REQUEST" else None,
            organizer=Organizer(variables["office_name"], self._sender.addr_spec),
            attendee=for_the_wire(message.recipient),
            stamp=message.created_at,
        )
        return method, calendar(appointment, method)


def has_plain_language(kind: MessageKind, language: Language) -> bool:
    """Whether there is such a mail in plain language."""
    return has_template(f"{kind}.plain.{language}.j2")


def _tidy(text: str) -> str:
    """Plain text with single blank lines."""
    # A signature begins with "-- ", the one line whose space at the end means something (RFC 3676, 4.3).
    lines = [line if line == "-- " else line.rstrip() for line in text.strip().splitlines()]
    tidy = [line for before, line in zip(["-", *lines], lines, strict=False) if line or before]
    return "\n".join(tidy) + "\n"
