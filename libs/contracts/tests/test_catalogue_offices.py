"""What an office makes of the catalogue: its services, its minutes, its fees; and how long appointments take."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalogue import Service, appointment_minutes, load_catalogue
from contracts.offices import Office, load_offices

OFFICES = Path(__file__).parents[3] / "deploy" / "offices"
CATALOGUE = load_catalogue()
FOR_SEVERAL = [service for service in CATALOGUE.values() if service.minutes_per_further_person]
Chosen = Sequence[tuple[Service, int]]


@pytest.fixture(scope="module")
def offices() -> dict[str, Office]:
    return dict(load_offices(OFFICES, CATALOGUE))


def own_office(tmp_path: Path, services: str) -> Office:
    """Heidelberg, but with these services."""
    text = (OFFICES / "heidelberg.toml").read_text(encoding="utf-8")
    (tmp_path / "heidelberg.toml").write_text(text[: text.index("[[services]]")] + services, encoding="utf-8")
    return load_offices(tmp_path, CATALOGUE)["heidelberg"]


class TestShippedOffices:
    def test_they_are_these(self, offices: dict[str, Office]) -> None:
        assert set(offices) == {"heidelberg", "demo"}
        assert offices["heidelberg"].clerks == 6

    def test_heidelberg_is_open_as_it_was_at_the_start(self, offices: dict[str, Office]) -> None:
        hours = [(h.weekday, f"{h.opens:%H:%M}", f"{h.closes:%H:%M}") for h in offices["heidelberg"].opening_hours]
        assert hours == [("tue", "08:00", "12:00"), ("wed", "14:00", "17:30"), ("thu", "08:00", "12:00")]

    def test_the_demo_office_offers_everything(self, offices: dict[str, Office]) -> None:
        assert set(offices["demo"].services_of(CATALOGUE)) == set(CATALOGUE)

    def test_fees_that_towns_set_are_marked_for_what_they_are(self, offices: dict[str, Office]) -> None:
        for office, word in (("demo", "demo value"), ("heidelberg", "unverified")):
            own = [entry for entry in offices[office].services if entry.fees]
            assert own
            assert all(word in rule.source for entry in own for rule in entry.fees or ())

    @pytest.mark.parametrize("slug", ["heidelberg", "demo"])
    def test_no_service_is_without_a_fee_that_its_town_should_set(self, offices: dict[str, Office], slug: str) -> None:
        offered = offices[slug].services_of(CATALOGUE)
        assert not any(service.fee_set_by_office for service in offered.values())


class TestReminders:
    def with_section(self, tmp_path: Path, line: str) -> Office:
        text = (OFFICES / "heidelberg.toml").read_text(encoding="utf-8")
        changed = text.replace("reminder_minutes = [1440, 30]", f"reminder_minutes = {line}")
        assert changed != text
        (tmp_path / "heidelberg.toml").write_text(changed, encoding="utf-8")
        return load_offices(tmp_path, CATALOGUE)["heidelberg"]

    def test_a_day_and_half_an_hour_before_unless_the_office_says_otherwise(self, offices: dict[str, Office]) -> None:
        assert offices["demo"].notify.reminder_minutes == (1440, 30)

    def test_an_office_may_have_others_or_none(self, tmp_path: Path) -> None:
        assert self.with_section(tmp_path, "[60, 2880]").notify.reminder_minutes == (2880, 60)
        assert self.with_section(tmp_path, "[]").notify.reminder_minutes == ()

    @pytest.mark.parametrize("line", ["[60, 60]", "[1]", "[99999]", "[60, 50, 40, 30, 20, 10]"])
    def test_a_bad_list_is_refused_with_its_line(self, tmp_path: Path, line: str) -> None:
        with pytest.raises(ValueError, match=r"line \d+: notify\.reminder_minutes"):
            self.with_section(tmp_path, line)


class TestServicesOf:
    def test_they_come_in_the_order_of_the_file(self, tmp_path: Path) -> None:
        office = own_office(tmp_path, '[[services]]\nid = "reisepass"\n[[services]]\nid = "beratung"\n')
        assert list(office.services_of(CATALOGUE)) == ["reisepass", "beratung"]

    def test_what_an_office_does_not_change_is_the_catalogues(self, tmp_path: Path) -> None:
        office = own_office(tmp_path, '[[services]]\nid = "reisepass"\n')
        assert office.services_of(CATALOGUE)["reisepass"] is CATALOGUE["reisepass"]

    def test_minutes_and_fees_are_replaced_and_nothing_else(self, tmp_path: Path) -> None:
        entry = '[[services]]\nid = "reisepass"\nminutes = 20\nshared_minutes = 10\nminutes_per_further_person = 5\n'
        fee = '[[services.fees]]\ntext = { de = "Pass", en = "Passport" }\namount_cents = 1\nvalid_from = 2026-01-01\n'
        office = own_office(tmp_path, entry + fee + 'source = "a test"\n')
        here, usual = office.services_of(CATALOGUE)["reisepass"], CATALOGUE["reisepass"]
        changed = {"minutes", "shared_minutes", "minutes_per_further_person", "fees"}
        assert {name for name in Service.model_fields if getattr(here, name) != getattr(usual, name)} == changed
        rule = here.fee({}, on=date(2026, 11, 22))
        assert rule is not None
        assert rule.amount_cents == 1

    def test_a_town_may_ask_nothing(self, tmp_path: Path) -> None:
        office = own_office(tmp_path, '[[services]]\nid = "meldebescheinigung"\nfees = []\n')
        here = office.services_of(CATALOGUE)["meldebescheinigung"]
        assert (here.is_free, here.needs_payment) == (True, False)

    def test_fees_that_are_shown_are_those_in_force(self, tmp_path: Path) -> None:
        rule = (
            '[[services.fees]]\ntext = { de = "Bescheinigung", en = "Certificate" }\n'
            'amount_cents = {cents}\nvalid_from = {day}\nsource = "a test"\n'
        )
        newest_first = rule.replace("{cents}", "800").replace("{day}", "2027-01-01")
        newest_first += rule.replace("{cents}", "700").replace("{day}", "2026-01-01")
        office = own_office(tmp_path, '[[services]]\nid = "meldebescheinigung"\n' + newest_first)
        here = office.services_of(CATALOGUE)["meldebescheinigung"]
        for day, cents in (("2025-12-31", []), ("2026-12-31", [700]), ("2027-01-01", [800])):
            on = date.fromisoformat(day)
            assert [each.amount_cents for each in here.fees_on(on)] == cents
            charged = here.fee({}, on=on)
            assert ([charged.amount_cents] if charged else []) == cents


class TestAppointmentMinutes:
    @pytest.mark.parametrize(
        ("chosen", "minutes"),
        [
            ([], 0),
            ([("fuehrungszeugnis", 1)], 5),
            ([("personalausweis", 1)], 15),
            ([("personalausweis", 1), ("reisepass", 1)], 25),  # greeting and identity once
            ([("personalausweis", 1), ("fuehrungszeugnis", 1)], 20),
            ([("anmeldung", 4)], 30),  # a family of four
            ([("anmeldung", 4), ("personalausweis", 2), ("beratung", 1)], 60),
        ],
    )
    def test_examples(self, chosen: list[tuple[str, int]], minutes: int) -> None:
        assert appointment_minutes([(CATALOGUE[name], persons) for name, persons in chosen]) == minutes

    @pytest.mark.parametrize("persons", [0, -1])
    def test_somebody_has_to_come(self, persons: int) -> None:
        with pytest.raises(ValueError, match="anmeldung: at least one person"):
            appointment_minutes([(CATALOGUE["anmeldung"], persons)])

    def test_some_matters_are_for_one_person_only(self) -> None:
        with pytest.raises(ValueError, match="beratung: for one person only"):
            appointment_minutes([(CATALOGUE["anmeldung"], 2), (CATALOGUE["beratung"], 2)])


@st.composite
def services(draw: st.DrawFn) -> tuple[Service, int]:
    """Any service that could be in a catalogue, and how many people want it."""
    minutes = draw(st.integers(1, 120))
    further = draw(st.none() | st.integers(1, 60))
    lengths = {"minutes": minutes, "shared_minutes": draw(st.integers(0, minutes - 1))}
    service = CATALOGUE["beratung"].model_copy(update=lengths | {"minutes_per_further_person": further})
    return service, draw(st.integers(1, 12)) if further else 1


class TestLengthRule:
    @given(st.lists(services(), max_size=8), services(), st.integers(0, 8))
    def test_one_more_service_never_shortens(self, chosen: Chosen, more: tuple[Service, int], at: int) -> None:
        longer = [*chosen[:at], more, *chosen[at:]]
        assert appointment_minutes(longer) > appointment_minutes(chosen)

    @given(st.lists(services(), max_size=7), st.sampled_from(FOR_SEVERAL), st.integers(1, 11))
    def test_one_more_person_never_shortens(self, chosen: Chosen, service: Service, persons: int) -> None:
        fewer, more = [*chosen, (service, persons)], [*chosen, (service, persons + 1)]
        further = service.minutes_per_further_person
        assert appointment_minutes(more) - appointment_minutes(fewer) == further

    @given(st.lists(services(), max_size=8).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some))))
    def test_the_order_does_not_matter(self, lists: tuple[Chosen, Chosen]) -> None:
        assert appointment_minutes(lists[0]) == appointment_minutes(lists[1])

    @given(st.lists(services(), min_size=1, max_size=8))
    def test_it_lies_between_the_longest_and_the_sum(self, chosen: Chosen) -> None:
        alone = [appointment_minutes([each]) for each in chosen]
        together = appointment_minutes(chosen)
        assert max(alone) <= together <= sum(alone)
        shared = [service.shared_minutes for service, _ in chosen]
        assert together == sum(alone) - sum(shared) + max(shared)

    @given(services())
    def test_alone_a_service_takes_its_minutes(self, chosen: tuple[Service, int]) -> None:
        service, persons = chosen
        assert appointment_minutes([chosen]) == service.minutes + (persons - 1) * (
            service.minutes_per_further_person or 0
        )
