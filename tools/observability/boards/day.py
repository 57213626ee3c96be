"""*The office's day*: for leads, in their words, in German and in English."""

from collections.abc import Mapping
from typing import Final

from tools.observability.board import Board, Row, area, bars, number
from tools.observability.promql import rise

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("Der Tag im Amt", "The office's day"),
    "today": ("In den letzten 24 Stunden", "In the last 24 hours"),
    "booked": ("Gebuchte Termine", "Appointments booked"),
    "cancelled": ("Abgesagte Termine", "Appointments cancelled"),
    "no_show": ("Nicht erschienen", "Did not come"),
    "completed": ("Abgeschlossene Fälle", "Cases completed"),
    "called": ("Ohne Termin aufgerufen", "Called without an appointment"),
    "waiting": ("Personen verbunden", "People connected"),
    "course": ("Im Lauf des Tages", "In the course of the day"),
    "appointments": ("Termine je Stunde", "Appointments per hour"),
    "cases": ("Fälle je Stunde", "Cases per hour"),
    "offers": ("Angebote der Warteliste", "Offers of the waiting list"),
    "mails": ("E-Mails je Stunde", "E-mails per hour"),
    "new": ("gebucht", "booked"),
    "moved": ("verlegt", "moved"),
    "off": ("abgesagt", "cancelled"),
    "opened": ("eröffnet", "opened"),
    "done": ("abgeschlossen", "completed"),
    "aborted": ("abgebrochen", "aborted"),
    "sent": ("zugestellt", "delivered"),
    "accepted": ("angenommen", "accepted"),
    "refused": ("abgelehnt", "refused"),
    "expired": ("verstrichen", "expired"),
}


def _told(subject: str, over: str) -> str:
    """How often an event was published."""
    return rise("schalter_outbox_published_total", labels=f'subject="{subject}"', over=over)


def board(language: str) -> Board:
    """The dashboard in `language`, de or en."""
    say = {key: texts[("de", "en").index(language)] for key, texts in _TEXTS.items()}

    def offers(outcome: str) -> str:
        return rise("schalter_booking_offers_total", labels=f'outcome="{outcome}"')

    walk_ins = rise("schalter_booking_walk_ins_total", labels='outcome="called"')
    people = 'sum(schalter_signaling_connections{role!="clerk"}) or vector(0)'
    delivered = rise("schalter_mails_total", labels='outcome="delivered"', over="1h")
    return Board(
        f"schalter-day-{language}",
        say["title"],
        (
            Row(
                say["today"],
                (
                    number(say["booked"], _told("booking.completed.v1", "24h")),
                    number(say["cancelled"], _told("booking.cancelled.v1", "24h")),
                    number(say["no_show"], _told("booking.no_show.v1", "24h")),
                    number(say["completed"], _told("casework.case_completed.v1", "24h")),
                    number(say["called"], walk_ins),
                    number(say["waiting"], people),
                ),
            ),
            Row(
                say["course"],
                (
                    area(
                        say["appointments"],
                        (say["new"], _told("booking.completed.v1", "1h")),
                        (say["moved"], _told("booking.rescheduled.v1", "1h")),
                        (say["off"], _told("booking.cancelled.v1", "1h")),
                        width=12,
                    ),
                    area(
                        say["cases"],
                        (say["opened"], _told("casework.case_opened.v1", "1h")),
                        (say["done"], _told("casework.case_completed.v1", "1h")),
                        (say["aborted"], _told("casework.case_aborted.v1", "1h")),
                        width=12,
                    ),
                    bars(
                        say["offers"],
                        (say["accepted"], offers("accepted")),
                        (say["refused"], offers("refused")),
                        (say["expired"], offers("expired")),
                        width=12,
                    ),
                    area(say["mails"], (say["sent"], delivered), width=12),
                ),
            ),
        ),
        hours=12,
    )


BOARDS: Final = (board("de"), board("en"))
