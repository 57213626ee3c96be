"""From a message to the mail that is sent: templates, calendar entry, headers."""

from datetime import datetime
from decimal import Decimal
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import jinja2
from babel.dates import format_date, format_time
from babel.numbers import format_currency
from markupsafe import Markup

from contracts.catalogue import Catalogue
from contracts.offices import Office, Offices
from contracts.text import Language
from notify.calendar import Appointment, calendar
from notify.model import Message

_TEMPLATES: Final = Path(__file__).parent / "templates"
_LOCALES: Final[dict[Language, str]] = {"de": "de_DE", "en": "en_GB"}


def when(instant: datetime, zone: ZoneInfo, language: Language) -> str:
    """An instant written out in words in `zone`: "Dienstag, 1. Dezember 2026, 09:00 Uhr"."""
    local = instant.astimezone(zone)
    day = format_date(local, "full", locale=_LOCALES[language])
    time = format_time(local, "HH:mm", locale=_LOCALES[language])
    return f"{day}, {time} Uhr" if language == "de" else f"{day}, {time}"


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

    def compose(self, message: Message) -> EmailMessage:
        """The mail for `message`: text, HTML and, about an appointment, a calendar entry.

        EmailMessage refuses line breaks in headers (RFC 5322), so no name can add one.
        """
        office = self._offices[message.office]
        view = self._view(message, office)
        subject = self._text.get_template(f"{message.kind}.{message.language}.j2").render(view, part="subject")
        mail = EmailMessage()
        mail["From"] = Address(office.name.in_language(message.language), addr_spec=self._sender.addr_spec)
        mail["To"] = message.recipient
        mail["Reply-To"] = office.contact.email
        mail["Subject"] = " ".join(subject.split())
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = message.message_id(self._sender.domain)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
        mail.set_content(_tidy(self._render(self._text, message, view, "layout.txt.j2")))
        mail.add_alternative(self._render(self._html, message, view, "layout.html.j2"), subtype="html")
        entry = self._calendar(message, office, view)
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

    @staticmethod
    def _render(environment: jinja2.Environment, message: Message, view: dict[str, Any], layout: str) -> str:
        kit = environment.get_template(layout.replace("layout", "kit")).module
        body = environment.get_template(f"{message.kind}.{message.language}.j2").render(view, part="body", ui=kit)
        wrapped = Markup(body) if environment.autoescape else body  # noqa: S704 - just escaped
        return environment.get_template(layout).render(view, body=wrapped)

    def _view(self, message: Message, office: Office) -> dict[str, Any]:
        language, context = message.language, message.context
        view: dict[str, Any] = {
            "office": office,
            "office_name": office.name.in_language(language),
            "language": language,
            "name": context["name"],
            "reference": context["reference"],
            "privacy_url": f"{self._origin}/{office.slug}/privacy",
            "home_url": f"{self._origin}/{office.slug}/",
            "check_url": f"{self._origin}/{office.slug}/check",
        }
        if ids := context.get("services"):
            assert isinstance(ids, list)
            services = [self._catalogue[service] for service in ids]
            view["services"] = [service.name.in_language(language) for service in services]
            view["bring"] = list(dict.fromkeys(text.in_language(language) for s in services for text in s.bring))
            view["visit"] = [s.cannot_finish.in_language(language) for s in services if s.cannot_finish]
        if token := context.get("link_token"):
            view["link"] = f"{self._origin}/{office.slug}/appointment#{token}"
        if starts_at := context.get("starts_at"):
            view |= self._times(str(starts_at), context.get("time_zone"), office, language)
        if isinstance(cents := context.get("amount_cents"), int):
            view["amount"] = format_currency(Decimal(cents) / 100, "EUR", locale=_LOCALES[language]) if cents else None
        if at := context.get("at"):
            view["paid_on"] = when(datetime.fromisoformat(str(at)), office.zone, language)
        view["receipt_number"] = context.get("receipt_number")
        view["cancelled_by"] = context.get("cancelled_by")
        return view

    @staticmethod
    def _times(starts_at: str, citizen_zone: object, office: Office, language: Language) -> dict[str, Any]:
        instant = datetime.fromisoformat(starts_at)
        at_office = when(instant, office.zone, language)
        zone = ZoneInfo(str(citizen_zone)) if citizen_zone else office.zone
        at_citizen = when(instant, zone, language)
        differs = at_citizen != at_office
        city = str(zone).rsplit("/", 1)[-1].replace("_", " ")
        return {"when": at_citizen, "zone": city if differs else None, "when_at_office": at_office if differs else None}

    def _calendar(self, message: Message, office: Office, view: dict[str, Any]) -> tuple[str, str] | None:
        if message.kind not in ("confirmation", "cancellation"):
            return None
        cancelled = message.kind == "cancellation"
        appointment = Appointment(
            uid=f"{message.appointment_id}@{self._sender.domain}",
            sequence=1 if cancelled else 0,
            starts_at=datetime.fromisoformat(str(message.context["starts_at"])),
            ends_at=datetime.fromisoformat(str(message.context["ends_at"])),
            zone=office.zone,
            summary=f"{view['office_name']}: {', '.join(view['services'])}",
            link=None if cancelled else view["link"],
            organizer=str(office.contact.email),
            attendee=message.recipient,
            stamp=message.created_at,
        )
        return ("CANCEL" if cancelled else "REQUEST"), calendar(appointment, cancelled=cancelled)


def _tidy(text: str) -> str:
    """Plain text with single blank lines."""
    lines = [line.rstrip() for line in text.strip().splitlines()]
    tidy = [line for before, line in zip(["-", *lines], lines, strict=False) if line or before]
    return "\n".join(tidy) + "\n"
