"""What templates see of a message: instants written out in the citizen's time, services by name, links."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency
from babel.units import format_unit

from contracts.catalogue import Catalogue
from contracts.offices import Office
from contracts.people import known_zone
from contracts.text import Language, Localised
from notify.model import Context, Message

#: Read once: by name Babel would look one up for every word.
_LOCALES: Final[Mapping[Language, Locale]] = {"de": Locale("de", "DE"), "en": Locale("en", "GB")}
_NEEDS: Final[Mapping[str, Localised]] = {
    "interpreter": Localised(de="Dolmetschen in Ihre Sprache", en="an interpreter for your language"),
    "sign_language_interpreter": Localised(de="Dolmetschen in Gebärdensprache", en="a sign-language interpreter"),
    "companion": Localised(de="eine Begleitperson", en="a companion"),
}
_LINKS: Final = (
    ("link", "appointment", "link_token"),
    ("reminders_link", "reminders", "link_token"),
    ("confirm_link", "confirm", "confirm_token"),
    ("offer_link", "offer", "offer_token"),
    ("waiting_link", "waiting", "waiting_token"),
)
_TODAY: Final = Localised(de="heute", en="today")
_TOMORROW: Final = Localised(de="morgen", en="tomorrow")
#: From here on a reminder counts the minutes.
_SOON_MINUTES: Final = 90
_NBSP: Final = "\N{NO-BREAK SPACE}"
#: Handed to templates as they are.
_PLAIN: Final = (
    "cancelled_by",
    "rescheduled_by",
    "address_changed",
    "link_asked",
    "receipt_number",
    "ended",
    "keeps_appointment",
)


@lru_cache(maxsize=1024)
def when(instant: datetime, zone: ZoneInfo, language: Language) -> str:
    """An instant written out in words in `zone`: "Dienstag, 1. Dezember 2026, 09:00 Uhr"."""
    local = instant.astimezone(zone)
    text = f"{_day(local.date(), language)}, {local:%H:%M}"
    return f"{text} Uhr" if language == "de" else text


@lru_cache(maxsize=1024)
def _day(day: date, language: Language) -> str:
    """A day written out: "Dienstag, 1. Dezember 2026"."""
    return format_date(day, "full", locale=_LOCALES[language])


def view(message: Message, office: Office, catalogue: Catalogue, origin: str, now: datetime) -> dict[str, Any]:
    """The variables of the templates for `message`; what a kind of message does not have is None or empty.

    A link that it does not have is missing, so that a template that needs it fails.
    """
    language, context = message.language, message.context
    home = f"{origin}/{office.slug}"
    return {
        "office": office,
        "office_name": office.name.in_language(language),
        "language": language,
        "name": context["name"],
        "reference": context.get("reference"),
        "phone": office.contact.phone.replace(" ", _NBSP),
        "privacy_url": office.contact.privacy or f"{home}/privacy",
        "home_url": f"{home}/",
        "check_url": f"{home}/check",
        # Absent rather than empty: a mail that lacks its link must not be written.
        **{name: f"{home}/{page}#{context[token]}" for name, page, token in _LINKS if context.get(token)},
        "channel": context.get("channel", "citizen"),
        "amount": _money(context.get("amount_cents"), language),
        "refunded": _money(context.get("refunded_cents"), language),
        "paid_on": when(datetime.fromisoformat(str(context["at"])), office.zone, language) if "at" in context else None,
        **{name: context.get(name) for name in _PLAIN},
        **_times(context, office, language),
        **_waiting(context, office, language),
        **(_ahead(context, office, language, now) if message.kind == "reminder" else {}),
        **_services(context, catalogue, language),
    }


def _money(cents: object, language: Language) -> str | None:
    return (
        format_currency(Decimal(cents) / 100, "EUR", locale=_LOCALES[language])
        if isinstance(cents, int) and cents
        else None
    )


def _services(context: Context, catalogue: Catalogue, language: Language) -> dict[str, Any]:
    ids = _texts(context.get("services"))
    persons = context.get("persons")
    counts = [each for each in persons if isinstance(each, int)] if isinstance(persons, list) else [1] * len(ids)
    options = context.get("options")
    # Mails that were asked for before options travelled along have none.
    chosen = [_options(each) for each in options] if isinstance(options, list) else [{}] * len(ids)
    # A mail is about what was booked, also when the catalogue has lost the service since: then by its bare name.
    services = [catalogue.get(each) for each in ids]
    named = zip(services, ids, strict=True)
    names = [service.name.in_language(language) if service else each for service, each in named]
    return {
        "services": [_counted(name, count, language) for name, count in zip(names, counts, strict=True)],
        "several": any(count > 1 for count in counts),
        "needs": [_NEEDS[need].in_language(language) for need in _texts(context.get("needs")) if need in _NEEDS],
        "bring": list(
            dict.fromkeys(
                thing.in_language(language)
                for service, picked in zip(services, chosen, strict=True)
                if service
                for thing in service.things_to_bring(picked)
            )
        ),
        "visit": [s.cannot_finish.in_language(language) for s in services if s and s.cannot_finish],
    }


def _options(value: object) -> Mapping[str, str]:
    return {str(option): str(choice) for option, choice in value.items()} if isinstance(value, dict) else {}


def _counted(name: str, persons: int, language: Language) -> str:
    if persons == 1:
        return name
    return f"{name} ({persons}{_NBSP}{'Personen' if language == 'de' else 'people'})"


def _texts(value: object) -> Sequence[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def _times(context: Context, office: Office, language: Language) -> dict[str, str | None]:
    """The instants of `context` in the citizen's time, with the city named when it is not the office's time."""
    zone = _zone(context, office)

    def told(name: str) -> str | None:
        if not (stored := context.get(name)):
            return None
        instant = datetime.fromisoformat(str(stored))
        here = when(instant, zone, language)
        return here if here == when(instant, office.zone, language) else f"{here} ({_city(zone)})"

    starts_at = context.get("starts_at")
    begins = datetime.fromisoformat(str(starts_at)) if starts_at else None
    at_office = when(begins, office.zone, language) if begins else None
    told_start = told("starts_at")
    return {
        # A subject names the bare time: the city stands in the mail.
        "when": when(begins, zone, language) if begins else None,
        "when_told": told_start,
        "when_at_office": at_office if told_start != at_office else None,
        "previously": told("previous_starts_at"),
        "currently": told("current_starts_at"),
        "expires": told("expires_at"),
    }


def _waiting(context: Context, office: Office, language: Language) -> dict[str, str | None]:
    """On which days of the office somebody waits, until when at the latest, and how long an offer is kept for them."""

    def asked(name: str) -> str | None:
        return _day(date.fromisoformat(str(context[name])), language) if context.get(name) else None

    until = context.get("waits_until")
    # It ends at midnight, as the day after begins.
    ends = datetime.fromisoformat(str(until)) - timedelta(seconds=1) if until else None
    return {
        "first_day": asked("first_day"),
        "last_day": asked("last_day"),
        "waits_until": _day(ends.astimezone(office.zone).date(), language) if ends else None,
        "offer_kept": _lasting(office.booking.offer_minutes, language),
    }


@lru_cache(maxsize=256)
def _lasting(minutes: int, language: Language) -> str:
    hours, rest = divmod(minutes, 60)
    amount, unit = (minutes, "duration-minute") if rest else (hours, "duration-hour")
    return format_unit(amount, unit, length="long", locale=_LOCALES[language]).replace(" ", _NBSP)


def _ahead(context: Context, office: Office, language: Language, now: datetime) -> dict[str, Any]:
    """How far off the appointment is when the mail goes out: "tomorrow at 09:00", and in minutes if it begins soon."""
    zone = _zone(context, office)
    starts_at = datetime.fromisoformat(str(context["starts_at"])).astimezone(zone)
    days = (starts_at.date() - now.astimezone(zone).date()).days
    minutes = round((starts_at - now).total_seconds() / 60)
    locale = _LOCALES[language]
    time = f"{starts_at:%H:%M}"
    day = {0: _TODAY, 1: _TOMORROW}.get(days)
    date = format_date(starts_at, "EEEE, d. MMMM" if language == "de" else "EEEE, d MMMM", locale=locale)
    spoken = day.in_language(language) if day else f"am {date}," if language == "de" else f"on {date},"
    return {
        "ahead": f"{spoken} um {time}{_NBSP}Uhr" if language == "de" else f"{spoken} at {time}",
        "minutes": minutes if 0 < minutes <= _SOON_MINUTES else None,
    }


def _zone(context: Context, office: Office) -> ZoneInfo:
    name = known_zone(context.get("time_zone"))
    return ZoneInfo(name) if name else office.zone


def _city(zone: ZoneInfo) -> str:
    return str(zone).rsplit("/", 1)[-1].replace("_", " ")
