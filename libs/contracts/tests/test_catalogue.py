"""Services and offices are data: fees follow from rules, and a bad file is refused by name."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalogue import CatalogueError, age_on, load_catalogue
from contracts.offices import OfficeError, load_offices

CATALOGUE = load_catalogue()
OFFICES = Path(__file__).parents[3] / "deploy" / "offices"
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("service", "values", "cents"),
    [
        ("fuehrungszeugnis", {"exemption": "none"}, 1300),
        ("fuehrungszeugnis", {"exemption": "volunteer"}, 0),
        ("fuehrungszeugnis", {"exemption": "means"}, 0),
        ("personalausweis", {"birth_date": "2002-11-22"}, 4600),  # 24 today
        ("personalausweis", {"birth_date": "2002-11-23"}, 2760),  # 24 tomorrow
        ("personalausweis", {"birth_date": "1950-01-01"}, 4600),
    ],
)
def test_fees(service: str, values: dict[str, str], cents: int) -> None:
    rule = CATALOGUE[service].fee(values, on=TODAY)
    assert rule is not None
    assert rule.amount_cents == cents


def test_a_fee_that_depends_on_age_is_unknown_without_a_birth_date() -> None:
    assert CATALOGUE["personalausweis"].fee({}, on=TODAY) is None
    assert CATALOGUE["personalausweis"].fee({"birth_date": "yesterday"}, on=TODAY) is None


def test_fees_are_not_charged_before_they_are_valid() -> None:
    assert CATALOGUE["personalausweis"].fee({"birth_date": "1950-01-01"}, on=date(2026, 2, 6)) is None


def test_registration_is_free() -> None:
    assert CATALOGUE["anmeldung"].is_free


@given(born=st.dates(date(1900, 1, 1), date(2020, 12, 31)), on=st.dates(date(2021, 1, 1), date(2060, 12, 31)))
def test_age_counts_birthdays(born: date, on: date) -> None:
    birthdays = sum(
        (year, born.month, born.day) <= (on.year, on.month, on.day) for year in range(born.year + 1, on.year + 1)
    )
    assert age_on(born.isoformat(), on) == birthdays


def test_a_leap_day_child_has_its_birthday_in_march() -> None:
    assert age_on("2004-02-29", date(2025, 2, 28)) == 20
    assert age_on("2004-02-29", date(2025, 3, 1)) == 21


def test_shipped_offices_load() -> None:
    offices = load_offices(OFFICES, CATALOGUE)
    assert set(offices) == {"heidelberg", "demo"}
    assert offices["heidelberg"].clerks == 6


def _office(tmp_path: Path, name: str, change: tuple[str, str]) -> Path:
    text = (OFFICES / "heidelberg.toml").read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / name).write_text(text.replace(*change), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('id = "anmeldung"', 'id = "anglerschein"'), "unknown service 'anglerschein'"),
        (('time_zone = "Europe/Berlin"', 'time_zone = "Europe/Bielefeld"'), "time_zone: .*Bielefeld"),
        (('state = "BW"', 'state = "XX"'), "state: .*XX"),
        (('opens = "14:00"', 'opens = "18:00"'), "opens at 18:00"),
        (("clerks = 6", "clerks = 0"), "clerks"),
        (("clerks = 6", "clercs = 6"), "clercs"),
        (('accent = "#7a1f2b"', 'accent = "red; background: url(//x)"'), "branding.accent"),
        (("clerks = 6", "clerks 6"), "line"),
        (('slug = "heidelberg"', 'slug = "mannheim"'), "slug is 'mannheim'"),
    ],
)
def test_a_bad_office_file_is_refused_with_its_name_and_the_reason(
    tmp_path: Path, change: tuple[str, str], reason: str
) -> None:
    with pytest.raises(OfficeError, match=rf"^heidelberg\.toml: .*{reason}"):
        load_offices(_office(tmp_path, "heidelberg.toml", change), CATALOGUE)


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OfficeError, match="no office file"):
        load_offices(tmp_path, CATALOGUE)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("minutes = 5", "minutes = -5"), "minutes"),
        (('leika = "99049001000000"', 'leika = "99"'), "leika"),
        (('type = "object"', 'type = "objekt"'), "form"),
        (('id = "belegart"', 'id = "belegtyp"'), "belegtyp"),
        (('id = "fuehrungszeugnis"', 'id = "zeugnis"'), "named after its id"),
        (("needs_identity = true", "needs_identity = "), "line"),
    ],
)
def test_a_bad_service_file_is_refused_with_its_name_and_the_reason(
    tmp_path: Path, change: tuple[str, str], reason: str
) -> None:
    source = Path(__file__).parents[1] / "src" / "contracts" / "services" / "fuehrungszeugnis.toml"
    text = source.read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / "fuehrungszeugnis.toml").write_text(text.replace(*change, 1), encoding="utf-8")
    with pytest.raises(CatalogueError, match=rf"^fuehrungszeugnis\.toml: (.|\n)*{reason}"):
        load_catalogue(tmp_path)
