"""From a message to the mail that is sent: templates, calendar entry, headers."""

from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from contracts.booking import calendar_uid
from contracts.catalogue import Catalogue
from contracts.notify import MessageKind
from contracts.offices import Office, Offices
from contracts.text import Language
from notify.calendar import Appointment, calendar
from notify.model import Message
from notify.view import view

_TEMPLATES: Final = Path(__file__).parent / "templates"
#: Kinds of messages that carry a calendar entry, with the METHOD that calendars act on (RFC 5546).
_METHODS: Final[Mapping[MessageKind, str]] = {
    "confirmation": "REQUEST",
    "rescheduled": "REQUEST",
    "cancellation": "CANCEL",
}


class Composer:
    """Makes mails out of messages."""

    def __init__(self, offices: Offices, catalogue: Catalogue, *, public_origin: str, sender: str) -> None:
        self._offices = offices
        self._catalogue = catalogue
        self._origin = public_origin
        name, address = parseaddr(sender)
        self._sender = Address(name, addr_spec=address)
        loader = jinja2.FileSystemLoader(_TEMPLATES)
        strict: dict[str, Any] = {"loader": loader, "undefined": jinja2.StrictUndefined, "trim_blocks": True}
        self._html = jinja2.Environment(**strict, lstrip_blocks=True, autoescape=True)
        self._text = jinja2.Environment(**strict, lstrip_blocks=True, autoescape=False)  # noqa: S701 - plain text

    def compose(self, message: Message, now: datetime | None = None) -> EmailMessage:
        """The mail for `message`, sent `now`: text, HTML and, about an appointment, a calendar entry.

        EmailMessage refuses line breaks in headers (RFC 5322), so no name can add one.
        """
        office = self._offices[message.office]
        variables = view(message, office, self._catalogue, self._origin, now or message.created_at)
        subject = self._text.select_template(_templates(message)).render(variables, part="subject")
        mail = EmailMessage()
        mail["From"] = Address(office.name.in_language(message.language), addr_spec=self._sender.addr_spec)
        mail["To"] = message.recipient
        mail["Reply-To"] = office.contact.email
        mail["Subject"] = " ".join(subject.split())
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = message.message_id(self._sender.domain)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
        mail.set_content(_tidy(self._render(self._text, message, variables, "layout.txt.j2")))
        mail.add_alternative(self._render(self._html, message, variables, "layout.html.j2"), subtype="html")
        entry = self._calendar(message, office, variables)
        if entry is not None:
            method, content = entry
            mail.add_attachment(
                content.encode(),
                maintype="text",
                subtype="calendar",
                filename="termin.ics" if message.language == "de" else "appointment.ics",
                params={"method": method, "charset": "utf-8"},
            )
        mail["Content-Language"] = message.language  # last: headers named Content-* move to the first part otherwise
        return mail

    def short(self, message: Message, now: datetime) -> str:
        """The short form of a reminder, for a telephone: one line, and no link, which is not the provider's to know."""
        office = self._offices[message.office]
        variables = view(message, office, self._catalogue, self._origin, now)
        text = self._text.get_template(f"{message.kind}.sms.{message.language}.j2").render(variables)
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())

    @staticmethod
    def _render(environment: jinja2.Environment, message: Message, variables: dict[str, Any], layout: str) -> str:
        kit = environment.get_template(layout.replace("layout", "kit")).module
        body = environment.select_template(_templates(message)).render(variables, part="body", ui=kit)
        wrapped = Markup(body) if environment.autoescape else body  # noqa: S704 - just escaped
        return environment.get_template(layout).render(variables, body=wrapped)

    def _calendar(self, message: Message, office: Office, variables: dict[str, Any]) -> tuple[str, str] | None:
        method = _METHODS.get(message.kind)
        if method is None or variables["channel"] == "walk_in":  # it begins this very minute
            return None
        appointment = Appointment(
            uid=calendar_uid(message.appointment_id),
            sequence=_sequence(message),
            starts_at=datetime.fromisoformat(str(message.context["starts_at"])),
            ends_at=datetime.fromisoformat(str(message.context["ends_at"])),
            zone=office.zone,
            summary=f"{variables['office_name']}: {', '.join(variables['services'])}",
            link=variables["link"] if method == "REQUEST" else None,
            organizer=str(office.contact.email),
            attendee=message.recipient,
            stamp=message.created_at,
        )
        return method, calendar(appointment, cancelled=method == "CANCEL")


def has_plain_language(kind: MessageKind, language: Language) -> bool:
    """Whether there is such a mail in plain language."""
    return (_TEMPLATES / f"{kind}.plain.{language}.j2").is_file()


def _templates(message: Message) -> list[str]:
    """The templates that may be taken, the best first: not every kind has one in plain language."""
    ordinary = f"{message.kind}.{message.language}.j2"
    return [f"{message.kind}.plain.{message.language}.j2", ordinary] if message.plain_language else [ordinary]


def _sequence(message: Message) -> int:
    """The revision of the calendar entry: calendars ignore what is older than what they have.

    It is the number of moves, which the link's generation counts; a cancellation comes after all of them.
    """
    stored = message.context.get("generation")
    generation = max(1, stored) if isinstance(stored, int) else 1
    return generation if message.kind == "cancellation" else generation - 1


def _tidy(text: str) -> str:
    """Plain text with single blank lines."""
    # A signature begins with "-- ", the one line whose space at the end means something (RFC 3676, 4.3).
    lines = [line if line == "-- " else line.rstrip() for line in text.strip().splitlines()]
    tidy = [line for before, line in zip(["-", *lines], lines, strict=False) if line or before]
    return "\n".join(tidy) + "\n"
