"""*The office's day*: for leads, in their words, in German and in English."""

from collections.abc import Mapping
from typing import Final

from tools.observability.board import Board, Panel, Row, Unit, area, bars, lines, number
from tools.observability.promql import highest, rise

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("Der Tag im Amt", "The office's day"),
    "which": ("Amt", "Office"),
    "today": ("In den letzten 24 Stunden", "In the last 24 hours"),
    "booked": ("Gebuchte Termine", "Appointments booked"),
    "moved": ("Verlegte Termine", "Appointments moved"),
    "cancelled": ("Abgesagte Termine", "Appointments cancelled"),
    "no_show": ("Nicht erschienen", "Did not come"),
    "completed": ("Abgeschlossene Fälle", "Cases completed"),
    "aborted": ("Abgebrochene Fälle", "Cases aborted"),
    "now": ("Gerade jetzt", "Right now"),
    "free_week": ("Freie Zeiten, 7 Tage", "Free times, 7 days"),
    "free_month": ("Freie Zeiten, 28 Tage", "Free times, 28 days"),
    "listed": ("Auf der Warteliste", "On the waiting list"),
    "queued": ("Warten ohne Termin", "Waiting without an appointment"),
    "longest": ("Davon am längsten", "The longest of them"),
    "course": ("Im Lauf des Tages", "In the course of the day"),
    "per_hour": ("Termine je Stunde", "Appointments per hour"),
    "cases": ("Fälle je Stunde", "Cases per hour"),
    "opened": ("eröffnet", "opened"),
    "done": ("abgeschlossen", "completed"),
    "given_up": ("abgebrochen", "aborted"),
    "new": ("gebucht", "booked"),
    "other_time": ("verlegt", "moved"),
    "off": ("abgesagt", "cancelled"),
    "waiting": ("Wer wartet", "Who waits"),
    "list": ("Warteliste", "waiting list"),
    "queue": ("ohne Termin", "without an appointment"),
    "channels": ("Wie gebucht wurde, 24 Stunden", "How people booked, 24 hours"),
    "offers": ("Angebote der Warteliste, 24 Stunden", "Offers of the waiting list, 24 hours"),
    "accepted": ("angenommen", "accepted"),
    "refused": ("abgelehnt", "refused"),
    "expired": ("verstrichen", "expired"),
}
_CHANNELS: Final = {
    "citizen": ("auf der Seite", "on the page"),
    "office": ("beim Amt", "at the office"),
    "waiting_list": ("von der Warteliste", "from the waiting list"),
    "walk_in": ("ohne Termin", "without an appointment"),
}
_OFFICE: Final = 'office=~"$office"'


def _words(language: str) -> dict[str, str]:
    return {key: texts[("de", "en").index(language)] for key, texts in {**_TEXTS, **_CHANNELS}.items()}


def board(language: str) -> Board:
    """The dashboard in `language`, de or en."""
    say = _words(language)
    return Board(
        f"schalter-day-{language}",
        say["title"],
        (
            Row(say["today"], _today(say)),
            Row(say["now"], _now(say)),
            Row(say["course"], _course(say)),
        ),
        hours=12,
        offices=("schalter_booking_bookings_total", say["which"]),
    )


def _today(say: Mapping[str, str]) -> tuple[Panel, ...]:
    counted = {"booked": "bookings", "moved": "moves", "cancelled": "cancellations", "no_show": "no_shows"}
    return (
        *(number(say[word], rise(f"schalter_booking_{name}_total", labels=_OFFICE)) for word, name in counted.items()),
        number(say["completed"], _ended('="completed"', "24h")),
        number(say["aborted"], _ended('!="completed"', "24h")),
    )


def _now(say: Mapping[str, str]) -> tuple[Panel, ...]:
    def free(days: int) -> str:
        labels = f'{_OFFICE}, days="{days}"'
        return f"sum({highest('schalter_booking_free_slots', 'office', labels)})"

    oldest = highest("schalter_booking_walk_ins_oldest_seconds", labels=_OFFICE)
    return (
        number(say["free_week"], free(7), 1, 20, falling=True),
        number(say["free_month"], free(28), width=5),
        number(say["listed"], _people("waiting_list"), width=5),
        number(say["queued"], _people("walk_ins_waiting"), width=5),
        number(say["longest"], oldest, 900, 1800, unit=Unit.SECONDS, width=5),
    )


def _ended(outcome: str, over: str) -> str:
    return rise("schalter_casework_cases_ended_total", labels=f"{_OFFICE}, outcome{outcome}", over=over)


def _people(what: str) -> str:
    return f"sum({highest(f'schalter_booking_{what}', 'office', _OFFICE)})"


def _course(say: Mapping[str, str]) -> tuple[Panel, ...]:
    def hourly(name: str) -> str:
        return rise(f"schalter_booking_{name}_total", labels=_OFFICE, over="1h")

    def by_channel(channel: str) -> tuple[str, str]:
        labels = f'{_OFFICE}, channel="{channel}"'
        return say[channel], rise("schalter_booking_bookings_total", labels=labels)

    def offers(outcome: str) -> tuple[str, str]:
        return say[outcome], rise("schalter_booking_offers_total", labels=f'outcome="{outcome}"')

    return (
        area(
            say["per_hour"],
            (say["new"], hourly("bookings")),
            (say["other_time"], hourly("moves")),
            (say["off"], hourly("cancellations")),
            width=12,
        ),
        area(
            say["cases"],
            (say["opened"], rise("schalter_casework_cases_opened_total", labels=_OFFICE, over="1h")),
            (say["done"], _ended('="completed"', "1h")),
            (say["given_up"], _ended('!="completed"', "1h")),
            width=12,
        ),
        lines(
            say["waiting"],
            (say["list"], _people("waiting_list")),
            (say["queue"], _people("walk_ins_waiting")),
        ),
        bars(say["channels"], *(by_channel(channel) for channel in _CHANNELS)),
        bars(say["offers"], *(offers(outcome) for outcome in ("accepted", "refused", "expired"))),
    )


BOARDS: Final = (board("de"), board("en"))
