"""Statistics as a table for spreadsheets (RFC 4180), with a byte order mark so that they read it as UTF-8."""

import csv
import io
from collections.abc import Iterable
from typing import Final

from booking.offices.model import BookableOffice
from booking.statistics.views import Figures, StatisticsView, WeekFigures
from contracts.text import Language

_BOM: Final = "\ufeff"
#: What a spreadsheet takes for a formula (OWASP ASVS 1.2.10).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

_COLUMNS: Final[dict[str, dict[Language, str]]] = {
    "week": {"de": "Kalenderwoche", "en": "ISO week"},
    "monday": {"de": "Montag", "en": "Monday"},
    "service_id": {"de": "Kennung des Anliegens", "en": "Service id"},
    "service": {"de": "Anliegen", "en": "Service"},
    "booked": {"de": "Gebucht", "en": "Booked"},
    "completed": {"de": "Abgeschlossen", "en": "Completed"},
    "aborted": {"de": "Abgebrochen", "en": "Aborted"},
    "cancelled": {"de": "Abgesagt", "en": "Cancelled"},
    "no_show": {"de": "Nicht erschienen", "en": "Did not come"},
    "lapsed": {"de": "Ohne Abschluss", "en": "Not closed"},
    "walk_ins": {"de": "Ohne Termin", "en": "Without an appointment"},
    "no_show_rate": {"de": "Anteil nicht erschienen", "en": "Share that did not come"},
    "lead_hours_median": {"de": "Vorlauf in Stunden (Median)", "en": "Lead time in hours (median)"},
    "wait_seconds_median": {"de": "Wartezeit in Sekunden (Median)", "en": "Waiting time in seconds (median)"},
    "talk_seconds_median": {"de": "Gesprächsdauer in Sekunden (Median)", "en": "Talking time in seconds (median)"},
    "utilisation": {"de": "Auslastung", "en": "Utilisation"},
}
_ALL: Final[dict[Language, str]] = {"de": "Alle Anliegen", "en": "All services"}
_TOTAL: Final[dict[Language, str]] = {"de": "Gesamter Zeitraum", "en": "Whole period"}


def table(statistics: StatisticsView, bookable: BookableOffice, language: Language) -> str:
    """`statistics` with one line per week and service, then per service over the whole period."""
    text = io.StringIO()
    writer = csv.writer(text)  # commas, CRLF, quotes where needed: RFC 4180
    writer.writerow([plain(names[language]) for names in _COLUMNS.values()])
    rows: Iterable[Figures] = (*statistics.weeks, *statistics.totals)
    writer.writerows(_row(row, bookable, language) for row in rows)
    return _BOM + text.getvalue()


def plain(cell: str) -> str:
    """`cell` as text that no spreadsheet runs as a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _row(row: Figures, bookable: BookableOffice, language: Language) -> list[str]:
    figures = row.model_dump(exclude={"monday"})
    if isinstance(row, WeekFigures):
        year, week, _ = row.monday.isocalendar()
        figures |= {"week": f"{year}-W{week:02}", "monday": row.monday.isoformat()}
    else:
        figures |= {"week": _TOTAL[language], "monday": None}
    service = bookable.services.get(row.service_id) if row.service_id else None
    named = service.name.in_language(language) if service else row.service_id
    figures["service"] = named if row.service_id else _ALL[language]
    return [_cell(figures[column]) for column in _COLUMNS]


def _cell(value: object) -> str:
    return "" if value is None else plain(value) if isinstance(value, str) else str(value)
