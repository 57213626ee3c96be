"""The shipped services: complete in both languages, with the fees that the sources state, and forms that work."""

from datetime import date
from typing import Any

import pytest
from filled_forms import FILLED
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from contracts.catalogue import CATEGORIES, Service, age_on, load_catalogue

CATALOGUE = load_catalogue()
SERVICES = [pytest.param(service, id=service.id) for service in CATALOGUE.values()]
TODAY = date(2026, 11, 22)
#: Everything that an office of this kind offers, with its key in the federal catalogue where one is known.
EXPECTED = {
    "personalausweis": "99008001000000",
    "personalausweis-vorlaeufig": "",
    "reisepass": "99085001000000",
    "ausweisverlust": "",
    "anmeldung": "99115005000000",
    "ummeldung": "99115005000000",
    "abmeldung": "99115005070000",
    "nebenwohnung": "",
    "fuehrungszeugnis": "99049001000000",
    "fuehrungszeugnis-erweitert": "",
    "meldebescheinigung": "99115003000000",
    "aufenthaltsbescheinigung": "",
    "lebensbescheinigung": "",
    "untersuchungsberechtigungsschein": "",
    "gewerbezentralregister": "",
    "uebermittlungssperre": "",
    "auskunftssperre": "",
    "bewohnerparkausweis": "",
    "wunschkennzeichen": "",
    "beratung": "",
}
#: How long they take by Munich's published list.
MINUTES = {
    "personalausweis": 15,
    "reisepass": 15,
    "fuehrungszeugnis": 5,
    "meldebescheinigung": 10,
    "anmeldung": 15,
    "ummeldung": 15,
    "abmeldung": 10,
}
IS_24, IS_23 = {"birth_date": "2002-11-22"}, {"birth_date": "2002-11-23"}


class TestServices:
    def test_all_are_there_with_their_keys(self) -> None:
        assert {name: service.leika for name, service in CATALOGUE.items()} == EXPECTED

    def test_they_take_as_long_as_published(self) -> None:
        assert {name: CATALOGUE[name].minutes for name in MINUTES} == MINUTES

    def test_every_category_has_a_service(self) -> None:
        assert {service.category for service in CATALOGUE.values()} == set(CATEGORIES)

    @pytest.mark.parametrize("service", SERVICES)
    def test_lengths_fit_a_grid_of_five_minutes(self, service: Service) -> None:
        lengths = (service.minutes, service.shared_minutes, service.minutes_per_further_person or 0)
        assert [length % 5 for length in lengths] == [0, 0, 0]

    @pytest.mark.parametrize("service", SERVICES)
    def test_plain_language_is_short_sentences(self, service: Service) -> None:
        for text in (service.summary_plain.de, service.summary_plain.en):
            sentences = [
                sentence for sentence in text.replace("?", ".").replace(":", ".").split(".") if sentence.strip()
            ]
            assert len(sentences) >= 3
            assert max(len(sentence.split()) for sentence in sentences) <= 15, text

    @pytest.mark.parametrize("service", SERVICES)
    def test_german_and_english_are_two_texts(self, service: Service) -> None:
        for german, english in _texts(service.model_dump(mode="json")):
            assert german != english or len(german.split()) == 1, german

    @pytest.mark.parametrize("service", SERVICES)
    def test_citizens_are_addressed_formally(self, service: Service) -> None:
        for german, _ in _texts(service.model_dump(mode="json", exclude={"synonyms"})):
            assert not {"du", "dein", "deine", "dich", "dir"} & {word.strip(".,?!:").lower() for word in german.split()}

    @pytest.mark.parametrize("name", ["personalausweis", "reisepass"])
    def test_fingerprints_are_never_taken_by_call(self, name: str) -> None:
        service = CATALOGUE[name]
        assert service.cannot_finish is not None
        assert "Fingerabdrücke" in service.cannot_finish.de

    @pytest.mark.parametrize(
        ("name", "question"),
        [
            ("personalausweis", "photo"),
            ("reisepass", "photo"),
            ("fuehrungszeugnis", "age"),
            ("fuehrungszeugnis", "person"),
            ("fuehrungszeugnis-erweitert", "age"),
            ("fuehrungszeugnis-erweitert", "letter"),
            ("anmeldung", "landlord"),
        ],
    )
    def test_what_no_call_can_overcome_is_asked_before_the_slots(self, name: str, question: str) -> None:
        assert [each.blocks for each in CATALOGUE[name].questions if each.id == question] == [True]

    @pytest.mark.parametrize("name", ["anmeldung", "ummeldung", "abmeldung", "nebenwohnung"])
    def test_a_family_that_moves_fills_in_one_form(self, name: str) -> None:
        service = CATALOGUE[name]
        assert service.one_form
        assert service.minutes_per_further_person
        assert isinstance(service.form["properties"], dict)
        assert "other_persons" in service.form["properties"]

    def test_advice_needs_no_id_no_signature_and_no_money(self) -> None:
        advice = CATALOGUE["beratung"]
        assert (advice.needs_identity, advice.needs_signature, advice.needs_payment) == (False, False, False)


def _texts(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        if value.keys() == {"de", "en"}:
            return [(value["de"], value["en"])]
        return [text for each in value.values() for text in _texts(each)]
    return [text for each in value for text in _texts(each)] if isinstance(value, list | tuple) else []


PASSPORTS = {"book32": (7000, 3750), "book48": (9200, 5950), "express32": (10200, 6950), "express48": (12400, 9150)}
FEES: list[tuple[str, dict[str, str], int]] = [
    ("personalausweis", IS_24, 4600),
    ("personalausweis", IS_23, 2760),
    ("personalausweis", {"birth_date": "1950-01-01"}, 4600),
    ("personalausweis-vorlaeufig", {}, 1000),
    *(("reisepass", {"variant": variant} | IS_24, cents) for variant, (cents, _) in PASSPORTS.items()),
    *(("reisepass", {"variant": variant} | IS_23, cents) for variant, (_, cents) in PASSPORTS.items()),
    ("reisepass", {"variant": "provisional"}, 2600),
    *(
        (name, {"exemption": exemption, "scope": scope}, cents)
        for name in ("fuehrungszeugnis", "fuehrungszeugnis-erweitert")
        for exemption, scope, cents in (
            ("none", "national", 1300),
            ("none", "european", 1700),
            ("volunteer", "national", 0),
            ("volunteer", "european", 0),
            ("means", "national", 0),
        )
    ),
    ("gewerbezentralregister", {}, 1300),
]


class TestWhatToHaveReady:
    CERTIFICATE = CATALOGUE["fuehrungszeugnis"]
    FOR_AN_AUTHORITY = "Anschrift der Behörde und der Verwendungszweck"

    def german(self, **options: str) -> list[str]:
        return [thing.de for thing in self.CERTIFICATE.things_to_bring(options)]

    def test_it_follows_the_choices(self) -> None:
        assert not any("Behörde" in thing for thing in self.german(belegart="N"))
        for belegart in ("O", "P"):
            assert self.german(belegart=belegart)[-1] == self.FOR_AN_AUTHORITY
        assert set(self.german(belegart="N")) < set(self.german(belegart="O"))

    def test_what_is_not_chosen_yet_is_named_with_its_choice(self) -> None:
        assert [thing for thing in self.german() if thing.endswith(self.FOR_AN_AUTHORITY)] == [
            f"Zur Vorlage bei einer Behörde (Belegart O): {self.FOR_AN_AUTHORITY}",
            f"Für eine Behörde, vorher Einsicht beim Amtsgericht (Belegart P): {self.FOR_AN_AUTHORITY}",
        ]

    def test_an_extended_certificate_always_needs_the_letter(self) -> None:
        for options in ({}, {"belegart": "N"}, {"belegart": "O"}):
            things = CATALOGUE["fuehrungszeugnis-erweitert"].things_to_bring(options)
            assert any(thing.de.startswith("Schreiben der Stelle") for thing in things)

    @pytest.mark.parametrize("service", SERVICES)
    def test_nothing_that_depends_on_a_choice_stands_in_the_list_for_everybody(self, service: Service) -> None:
        names = [choice.name.de.split(",")[0] for option in service.options for choice in option.choices]
        for thing in service.bring:
            assert "Belegart" not in thing.de
            assert not any(thing.de.startswith(f"Für {name}") for name in names)


@pytest.mark.parametrize("service", SERVICES)
def test_people_find_it_by_other_words_in_both_languages(service: Service) -> None:
    assert len(service.synonyms.de) >= 5
    assert len(service.synonyms.en) >= 5


class TestFees:
    @pytest.mark.parametrize(("name", "values", "cents"), FEES)
    def test_they_are_what_the_sources_state(self, name: str, values: dict[str, str], cents: int) -> None:
        rule = CATALOGUE[name].fee(values, on=TODAY)
        assert rule is not None
        assert rule.amount_cents == cents

    @pytest.mark.parametrize("day", ["2026-02-06", "2026-02-07"])
    def test_a_new_fee_begins_on_its_day(self, day: str) -> None:
        fee = CATALOGUE["personalausweis"].fee({"birth_date": "1950-01-01"}, on=date.fromisoformat(day))
        assert (fee and fee.amount_cents) == (4600 if day == "2026-02-07" else None)

    @pytest.mark.parametrize(("day", "cents"), [("2026-05-31", 2760), ("2026-06-01", 4600), ("2026-06-02", 4600)])
    def test_the_24th_birthday_counts_as_24(self, day: str, cents: int) -> None:
        fee = CATALOGUE["personalausweis"].fee({"birth_date": "2002-06-01"}, on=date.fromisoformat(day))
        assert fee is not None
        assert fee.amount_cents == cents

    @pytest.mark.parametrize(("day", "cents"), [("2028-02-28", 3750), ("2028-02-29", 7000)])
    def test_a_leap_day_child_is_24_in_a_leap_year(self, day: str, cents: int) -> None:
        values = {"birth_date": "2004-02-29", "variant": "book32"}
        fee = CATALOGUE["reisepass"].fee(values, on=date.fromisoformat(day))
        assert fee is not None
        assert fee.amount_cents == cents

    def test_one_that_depends_on_age_is_unknown_without_a_birth_date(self) -> None:
        assert CATALOGUE["personalausweis"].fee({}, on=TODAY) is None
        assert CATALOGUE["personalausweis"].fee({"birth_date": "yesterday"}, on=TODAY) is None

    @pytest.mark.parametrize("service", SERVICES)
    def test_everybody_has_one_and_only_one_or_nobody_has(self, service: Service) -> None:
        filled = FILLED[service.id] | {"birth_date": "1999-01-01"}
        rule = service.fee(filled, on=TODAY)
        assert (rule is None) == (service.is_free or service.fee_set_by_office)

    @pytest.mark.parametrize("service", SERVICES)
    def test_each_says_where_it_was_read(self, service: Service) -> None:
        for rule in service.fees:
            assert rule.source
            assert rule.valid_from >= date(2026, 1, 1)

    def test_what_towns_set_is_not_guessed(self) -> None:
        own = {name for name, service in CATALOGUE.items() if service.fee_set_by_office}
        assert own == {
            "meldebescheinigung",
            "aufenthaltsbescheinigung",
            "lebensbescheinigung",
            "bewohnerparkausweis",
            "wunschkennzeichen",
        }
        for name in own:
            service = CATALOGUE[name]
            assert (service.fees, service.is_free, service.needs_payment) == ((), False, True)

    def test_free_is_free(self) -> None:
        assert CATALOGUE["anmeldung"].is_free
        assert not CATALOGUE["anmeldung"].needs_payment
        assert CATALOGUE["anmeldung"].fees_on(TODAY) == ()


@given(born=st.dates(date(1900, 1, 1), date(2020, 12, 31)), on=st.dates(date(2021, 1, 1), date(2060, 12, 31)))
def test_age_counts_birthdays(born: date, on: date) -> None:
    birthdays = sum(
        (year, born.month, born.day) <= (on.year, on.month, on.day) for year in range(born.year + 1, on.year + 1)
    )
    assert age_on(born.isoformat(), on) == birthdays


def test_a_leap_day_child_has_its_birthday_in_march() -> None:
    assert age_on("2004-02-29", date(2025, 2, 28)) == 20
    assert age_on("2004-02-29", date(2025, 3, 1)) == 21


class TestForms:
    @pytest.mark.parametrize("service", SERVICES)
    def test_each_can_be_filled_in(self, service: Service) -> None:
        assert _errors(service, FILLED[service.id]) == []

    @pytest.mark.parametrize("service", SERVICES)
    def test_nothing_is_required_that_is_not_asked_and_nothing_else_is_taken(self, service: Service) -> None:
        assert _errors(service, FILLED[service.id] | {"shoe_size": "43"})
        for name in _required(service):
            assert _errors(service, {key: value for key, value in FILLED[service.id].items() if key != name}), name

    @pytest.mark.parametrize("service", SERVICES)
    def test_every_choice_at_booking_fits_the_form(self, service: Service) -> None:
        for option in service.options:
            for choice in option.choices:
                schema = _fields(service)[option.id]
                assert Draft202012Validator(schema).is_valid(choice.id)

    def test_the_same_field_is_called_and_checked_alike_everywhere(self) -> None:
        alike = ("family_name", "given_names", "birth_date", "birth_place", "nationality", "address", "height_cm")
        for name in alike:
            seen = {
                str({key: value for key, value in schema.items() if key not in ("x-order", "default")})
                for service in CATALOGUE.values()
                if (schema := _fields(service).get(name))
            }
            assert len(seen) == 1, (name, seen)

    @pytest.mark.parametrize(
        ("name", "change", "field"),
        [
            ("fuehrungszeugnis", {"belegart": "O"}, "authority"),
            ("fuehrungszeugnis-erweitert", {"belegart": "P"}, "purpose"),
            ("nebenwohnung", {"request": "register"}, "landlord"),
            ("meldebescheinigung", {"extent": "extended"}, "further_data"),
            ("gewerbezentralregister", {"recipient": "authority"}, "authority"),
            ("bewohnerparkausweis", {"keeper": "used"}, "keeper_name"),
        ],
    )
    def test_some_answers_ask_for_more(self, name: str, change: dict[str, str], field: str) -> None:
        service, plain = CATALOGUE[name], {k: v for k, v in FILLED[name].items() if k != field}
        assert any(field in message for message in _errors(service, plain | change))

    @pytest.mark.parametrize(
        ("plate", "good"), [("HD-AB 123", True), ("B A 1E", True), ("hd-ab 123", False), ("HD-AB 12345", False)]
    )
    def test_number_plates(self, plate: str, good: bool) -> None:
        filled = FILLED["bewohnerparkausweis"] | {"plate": plate}
        assert (_errors(CATALOGUE["bewohnerparkausweis"], filled) == []) is good


def _fields(service: Service) -> Any:
    return service.form["properties"]


def _required(service: Service) -> Any:
    return service.form["required"]


def _errors(service: Service, values: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator(service.form, format_checker=FormatChecker(["date", "email"]))
    return [error.message for error in validator.iter_errors(values)]
