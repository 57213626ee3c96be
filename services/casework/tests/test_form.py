"""Forms, documents and hashes: what the citizen sees, in a form that any browser can check."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from filled_forms import FILLED
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from casework.applications.document import canonical_json, document_hash
from casework.applications.form import Heading, draft, prefilled
from casework.applications.model import Draft
from casework.applications.views import CanonicalSignature, Confirmation, SaveApplication, SignDocument
from contracts.catalogue import Service, load_catalogue
from contracts.offices import load_offices

CATALOGUE = load_catalogue()
#: The catalogue as an office offers it that has switched on everything, and set the fees that are a town's.
OFFERED = load_offices(Path(__file__).parents[3] / "deploy" / "offices", CATALOGUE)["demo"].services_of(CATALOGUE)
TODAY = date(2026, 11, 24)
COMPLETE: dict[str, Any] = {
    "belegart": "N",
    "family_name": "Öztürk",
    "given_names": "Ayşe Erika",
    "birth_name": "Öztürk",
    "birth_date": "1984-08-12",
    "birth_place": "İzmir",
    "nationality": "deutsch",
    "address": "Heidestraße 17\n51147 Köln",
    "exemption": "none",
}


def written(
    values: dict[str, Any],
    service: str = "fuehrungszeugnis",
    language: Any = "de",
    catalogue: Mapping[str, Service] = CATALOGUE,
) -> Draft:
    return draft(
        catalogue[service],
        values,
        Heading("heidelberg", UUID(int=7), "HD-7K3M9Q", language),
        today=TODAY,
    )


def errors(values: dict[str, Any], service: str = "fuehrungszeugnis") -> set[tuple[str, str]]:
    return {(error.field, error.code) for error in written(values, service).errors}


class TestErrors:
    @pytest.mark.parametrize(
        ("field", "value"),
        [("family_name", "Öz\u202etürk"), ("given_names", "\u200b"), ("address", "Heidestraße 17\n\u200b51147 Köln")],
    )
    def test_what_nobody_sees_is_refused_in_every_field(self, field: str, value: str) -> None:
        assert errors(COMPLETE | {field: value}) == {(field, "invisible_character")}

    def test_lines_and_the_letters_of_every_script_are_welcome(self) -> None:
        names = {"family_name": "علی\u200cرضا", "given_names": "ශ්\u200dරී", "address": "Heidestraße 17\n51147 Köln"}
        assert errors(COMPLETE | names) == set()

    @pytest.mark.parametrize(
        ("format", "value", "fits"),
        [
            ("email", "erika@example.org", True),
            ("email", "erika@", False),
            ("email", "a@b@c", False),
            ("tel", "+41 79 123 45 67", True),
            ("tel", "06221 58-0", True),
            ("tel", "112", False),
            ("tel", "call me", False),
        ],
    )
    def test_addresses_and_numbers_are_those_that_a_booking_takes(self, format: str, value: str, fits: bool) -> None:
        service = CATALOGUE["fuehrungszeugnis"]
        properties: Any = service.form["properties"]
        asked = {"type": "string", "format": format, "x-order": 99, "x-label": {"de": "Kontakt", "en": "Contact"}}
        form = service.form | {"properties": properties | {"contact": asked}}
        changed = {service.id: service.model_copy(update={"form": form})}
        found = {(e.field, e.code) for e in written(COMPLETE | {"contact": value}, catalogue=changed).errors}
        assert found == (set() if fits else {("contact", "format")})

    def test_what_is_missing_is_named_and_kept_is_what_is_there(self) -> None:
        partial = written({"family_name": "  Öztürk ", "given_names": ""})
        assert partial.values == {"family_name": "Öztürk"}
        assert {error.field for error in partial.errors} == set(COMPLETE) - {"family_name"}
        assert {error.code for error in partial.errors} == {"required"}
        assert (partial.document, partial.document_hash) == (None, None)

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"belegart": "X"}, ("belegart", "enum")),
            ({"belegart": "O"}, ("purpose", "required")),
            ({"purpose": "not for type N"}, ("purpose", "not_applicable")),
            ({"family_name": "x" * 121}, ("family_name", "too_long")),
            ({"address": "x"}, ("address", "too_short")),
            ({"birth_date": "12.08.1984"}, ("birth_date", "format")),
            ({"birth_date": "2027-01-01"}, ("birth_date", "invalid")),
            ({"birth_date": "1884-08-12"}, ("birth_date", "invalid")),
            ({"family_name": 7}, ("family_name", "type")),
            ({"shoe_size": 43}, ("shoe_size", "unknown")),
            ({"family_name": "\ud800"}, ("family_name", "invalid")),
        ],
    )
    def test_what_is_wrong_is_named_with_a_code(self, change: dict[str, Any], expected: tuple[str, str]) -> None:
        assert expected in errors(COMPLETE | change)

    @pytest.mark.parametrize(("height", "code"), [(29, "minimum"), (261, "maximum"), ("tall", "type")])
    def test_numbers(self, height: object, code: str) -> None:
        assert ("height_cm", code) in errors({"height_cm": height}, "personalausweis")

    def test_belegart_o_needs_authority_and_purpose(self) -> None:
        authority = {"belegart": "O", "authority": "Landratsamt\n69115 Heidelberg", "purpose": "Gewerbe"}
        assert errors(COMPLETE | authority) == set()

    @given(st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=8)))
    def test_anything_is_answered(self, values: dict[str, Any]) -> None:
        assert written(values).errors


class TestDocument:
    def test_complete_values_become_a_document_in_the_citizens_language(self) -> None:
        german, english = written(COMPLETE), written(COMPLETE, language="en")
        assert german.document
        assert english.document
        assert (german.document["title"], english.document["title"]) == (
            "Führungszeugnis",
            "Certificate of good conduct",
        )
        rows = {row["key"]: row for row in german.document["rows"]}
        assert rows["birth_date"] == {
            "key": "birth_date",
            "label": "Geburtsdatum",
            "value": "1984-08-12",
            "text": "12. August 1984",
        }
        assert rows["belegart"]["text"] == "N – privat"
        assert [row["key"] for row in german.document["rows"]] == list(COMPLETE)

    @pytest.mark.parametrize(
        ("service", "change", "cents"),
        [
            ("fuehrungszeugnis", {}, 1300),
            ("fuehrungszeugnis", {"exemption": "volunteer"}, 0),
        ],
    )
    def test_the_fee_is_part_of_it(self, service: str, change: dict[str, Any], cents: int) -> None:
        complete = written(COMPLETE | change, service)
        assert complete.document
        assert complete.fee_cents == complete.document["fee_cents"] == cents

    def test_the_hash_is_that_of_the_document(self) -> None:
        complete = written(COMPLETE)
        assert complete.document
        assert complete.document_hash == document_hash(json.loads(json.dumps(complete.document)))

    def test_one_name_typed_on_two_keyboards_is_one_document(self) -> None:
        decomposed = {**COMPLETE, "family_name": "O\u0308ztu\u0308rk", "address": "Heidestraße 17\r\n51147 Köln"}
        assert written(decomposed).document_hash == written(COMPLETE).document_hash

    def test_defaults_and_options_fill_the_form_before_the_call(self) -> None:
        options = {"belegart": "P", "unknown": "x"}
        assert prefilled(CATALOGUE["fuehrungszeugnis"], options) == {
            "scope": "national",
            "exemption": "none",
            "belegart": "P",
        }


class TestCatalogue:
    """Every service that is shipped can be applied for."""

    @pytest.mark.parametrize("language", ["de", "en"])
    @pytest.mark.parametrize("service", CATALOGUE)
    def test_a_filled_in_form_becomes_a_document(self, service: str, language: str) -> None:
        if CATALOGUE[service].fee_set_by_office:
            assert errors(FILLED[service], service) == {("", "fee_unknown")}
            return
        complete = written(FILLED[service], service, language)
        assert complete.errors == ()
        assert complete.document
        assert {row["key"] for row in complete.document["rows"]} == set(FILLED[service])
        assert all(row["label"] and row["text"] for row in complete.document["rows"])

    @pytest.mark.parametrize("service", OFFERED)
    def test_a_town_that_sets_the_fee_completes_it(self, service: str) -> None:
        complete = written(FILLED[service], service, catalogue=OFFERED)
        assert complete.errors == ()
        assert (complete.fee_cents > 0) is OFFERED[service].needs_payment

    @pytest.mark.parametrize("service", CATALOGUE)
    def test_an_empty_form_says_what_is_missing(self, service: str) -> None:
        start = prefilled(CATALOGUE[service], {})
        missing = {field for field, code in errors(start, service) if code == "required"}
        assert missing == set(CATALOGUE[service].form["required"]) - set(start)  # type: ignore[arg-type]


class TestCanonicalJson:
    def test_a_vector_that_browsers_share(self) -> None:
        document = {"b": [1, True, None, 'ä\u2028\n"\\\u007f\u0001'], "a": {"y": -5, "x": ""}}
        written = '{"a":{"x":"","y":-5},"b":[1,true,null,"ä\u2028\\n\\"\\\\\u007f\\u0001"]}'
        assert canonical_json(document) == written.encode()
        assert document_hash({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

    @pytest.mark.parametrize("value", [1.5, 2**53, {"ü": 1}, {1: 2}, {1, 2}, "\ud800", float("nan")])
    def test_what_two_sides_would_write_differently_is_refused(self, value: object) -> None:
        with pytest.raises(ValueError, match=r".*"):
            canonical_json(value)

    @given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(), st.lists))
    def test_nothing_is_lost(self, value: object) -> None:
        assert json.loads(canonical_json(value)) == value


@pytest.mark.parametrize(("language", "yes", "no"), [("de", "Ja", "Nein"), ("en", "Yes", "No")])
def test_yes_and_no_are_read_as_words(language: str, yes: str, no: str) -> None:
    service = "uebermittlungssperre"
    asked = [name for name, value in FILLED[service].items() if value is True]
    values = FILLED[service] | {name: name != asked[0] for name in asked}
    said = json.dumps(written(values, service, language).document, ensure_ascii=False)
    assert (said.count(f'"{yes}"'), said.count(f'"{no}"')) == (len(asked) - 1, 1)


def test_what_was_filled_in_stands_in_no_error() -> None:
    """Errors are logged."""
    wrong: dict[Any, dict[str, object]] = {
        SaveApplication: {"values": {"family_name": ["Öztürk"]}, "revision": 0},
        CanonicalSignature: {"text": ["Öztürk"]},
        SignDocument: {"signature": "Öztürk"},
        Confirmation: {"document_hash": "Öztürk"},
    }
    for model, sent in wrong.items():
        with pytest.raises(ValidationError) as refused:
            model.model_validate(sent)
        assert "Öztürk" not in str(refused.value), model
