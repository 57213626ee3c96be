"""What people type about themselves: kept in one form, or refused in words that say why."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from contracts.characters import IGNORABLE, invisible, without_invisible
from contracts.people import PersonEmail, PersonName, Phone, TimeZone, known_zone

#: The clients' forms are tested with the same (`web/shared/contact/people.test.ts`).
EXAMPLES = json.loads((Path(__file__).parent / "people.json").read_text(encoding="utf-8"))
NAME, EMAIL, PHONE = TypeAdapter(PersonName), TypeAdapter(PersonEmail), TypeAdapter(Phone)
ZONE: TypeAdapter[str | None] = TypeAdapter(TimeZone)


def outcome(adapter: TypeAdapter[str], typed: object) -> dict[str, str]:
    try:
        return {"kept": adapter.validate_python(typed)}
    except ValidationError as refusal:
        (error,) = refusal.errors()
        return {"refused": error["type"]} | error.get("ctx", {})


@pytest.mark.parametrize("case", EXAMPLES["names"], ids=lambda case: ascii(case["typed"]))
def test_a_name(case: dict[str, str]) -> None:
    got = outcome(NAME, case["typed"])
    assert {key: got.get(key) for key in case if key != "typed"} == {k: v for k, v in case.items() if k != "typed"}


@pytest.mark.parametrize("case", EXAMPLES["emails"], ids=lambda case: ascii(case["typed"]))
def test_an_email_address(case: dict[str, str]) -> None:
    got = outcome(EMAIL, case["typed"])
    assert (got.get("kept"), got.get("refused")) == (case.get("kept"), case.get("refused"))


@pytest.mark.parametrize("case", EXAMPLES["phones"], ids=lambda case: ascii(case["typed"]))
def test_a_telephone_number(case: dict[str, str]) -> None:
    got = outcome(PHONE, case["typed"])
    assert (got.get("kept"), got.get("refused")) == (case.get("kept"), case.get("refused"))


@pytest.mark.parametrize("case", EXAMPLES["zones"], ids=lambda case: ascii(case["typed"]))
def test_a_time_zone(case: dict[str, Any]) -> None:
    assert ZONE.validate_python(case["typed"]) == case["kept"]


@pytest.mark.parametrize("value", [None, 3, ["Europe/Berlin"], {}, "x" * 100_000])
def test_what_is_no_time_zone_is_the_offices(value: object) -> None:
    assert ZONE.validate_python(value) is None
    assert known_zone(value) is None


#: Letters of many scripts, and much of what nobody sees.
_ANY = st.text(
    st.characters() | st.sampled_from(sorted(IGNORABLE)) | st.sampled_from("aé e\u0301ක්රعی葛👩\u1820\u2800 "),
    max_size=12,
)


@given(_ANY)
@example("\u212b\u0301")
@example("\u1100\u1161\u11a8")
@example("e\u200d\u0301")
@example("\ud800")
def test_a_name_is_refused_by_name_or_kept_in_one_form(typed: str) -> None:
    got = outcome(NAME, typed)
    if "kept" not in got:
        hidden = got["refused"] == "invisible_character"
        halved = got["refused"] == "string_unicode"  # half a surrogate pair is no character
        assert hidden or typed.strip() == "" or (halved and any("\ud800" <= each <= "\udfff" for each in typed))
        assert not hidden or got["character"].endswith(")")
        return
    kept = got["kept"]
    assert unicodedata.is_normalized("NFC", kept)
    assert kept == " ".join(kept.split())
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in kept)
    assert any(character not in IGNORABLE for character in kept)
    assert outcome(NAME, kept) == {"kept": kept}


@given(st.text(st.characters(categories=["L", "N", "P"], exclude_characters=IGNORABLE), min_size=1, max_size=200))
def test_any_script_is_a_name(typed: str) -> None:
    normal = unicodedata.normalize("NFC", typed)
    if len(normal) <= 200:
        assert outcome(NAME, typed) == {"kept": normal}


@pytest.mark.parametrize(("length", "kept"), [(200, True), (201, False)])
def test_a_name_has_200_characters_at_most(length: int, kept: bool) -> None:
    assert ("kept" in outcome(NAME, "e\u0301" * length)) == kept


def test_a_line_of_a_text_may_end_where_that_is_said() -> None:
    assert invisible("first\nsecond", allowed="\n") is None
    assert invisible("first\u202e\nsecond", allowed="\n") == "\u202e"


@given(_ANY)
def test_the_offices_own_words_lose_what_nobody_sees(typed: str) -> None:
    try:
        kept = without_invisible(typed)
    except ValueError:
        assert any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in typed)
        return
    assert invisible(kept) is None
    assert without_invisible(kept) == kept


@given(st.emails(), st.text(st.sampled_from(sorted(IGNORABLE)), max_size=3))
def test_what_pasting_brings_along_is_no_part_of_an_address(address: str, brought: str) -> None:
    plain = outcome(EMAIL, address)
    assert outcome(EMAIL, f" {brought}{address}{brought}\u00a0") == plain
    if "kept" in plain:
        assert outcome(EMAIL, plain["kept"]) == plain


@given(st.text(st.sampled_from("0123456789+ -/()\u202a\u00a0x"), max_size=20))
def test_a_telephone_number_keeps_its_form(typed: str) -> None:
    got = outcome(PHONE, typed)
    if "kept" in got:
        assert outcome(PHONE, got["kept"]) == got
    else:
        assert got["refused"].startswith("phone_")


@pytest.mark.parametrize("adapter", [NAME, EMAIL, PHONE])
@pytest.mark.parametrize("value", [None, 3, ["Erika"], b"Erika"])
def test_what_is_no_text_is_refused(adapter: TypeAdapter[str], value: object) -> None:
    with pytest.raises(ValidationError):
        adapter.validate_json(json.dumps(value)) if not isinstance(value, bytes) else adapter.validate_json(value)


@pytest.mark.parametrize(
    "typed", ["<" * 100_000, "<" + "a@" * 100_000, "\u200b" * 100_000, " " * 100_000 + "@", "9" * 39]
)
def test_what_is_very_long_costs_no_time(typed: str) -> None:
    assert "kept" not in outcome(EMAIL, typed)
    assert "kept" not in outcome(PHONE, typed)
