"""Bad files: each is refused at start with its name, the line and the reason, so that whoever wrote it can mend it."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import tomlfile
from contracts.catalogue import CatalogueError, load_catalogue
from contracts.offices import OfficeError, load_offices

SERVICES = Path(__file__).parents[1] / "src" / "contracts" / "services"
OFFICES = Path(__file__).parents[3] / "deploy" / "offices"
CATALOGUE = load_catalogue()
SHIPPED = [pytest.param(path, id=path.stem) for path in sorted([*SERVICES.glob("*.toml"), *OFFICES.glob("*.toml")])]

FEE = """
[[fees]]
text = { de = "Noch eine", en = "One more" }
amount_cents = 100
valid_from = 2027-01-01
source = "nowhere yet"
"""


def changed(text: str, change: tuple[str, str]) -> tuple[str, int]:
    """`text` with the first occurrence of one string replaced by another, and the line where that is."""
    old, new = change
    at = text.index(old)
    return text.replace(old, new, 1), text.count("\n", 0, at) + 1


def near(line: int, message: str, *, missing: bool) -> bool:
    """Whether `message` leads to `line` or the next; to what is missing, by where the table around it begins."""
    named = [int(number) for number in re.findall(r"line (\d+): ", message)]
    return any(number <= line if missing else number in (line, line + 1) for number in named)


class TestServices:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            pytest.param(("minutes = 5", "minuten = 5"), "minuten: Extra inputs", id="unknown key"),
            pytest.param(('leika = "99049001000000"', 'leika = "99"'), "leika: String should match", id="key"),
            pytest.param(("minutes = 5", "minutes = -5"), "minutes: .*greater than or equal to 1", id="minutes"),
            pytest.param(("minutes = 5", "minutes = 5\nshared_minutes = 5"), "is not less than minutes", id="shared"),
            pytest.param(("needs_identity = true", "needs_identity = "), "Invalid value", id="no TOML"),
            pytest.param(("needs_identity = true", 'needs_identity = "maybe"'), "needs_identity", id="no boolean"),
            pytest.param((', en = "Certificate of good conduct" }', " }"), "name.en: Field required", id="no English"),
            pytest.param(('category = "certificates"', 'category = "papers"'), "category", id="category"),
            pytest.param(("amount_cents = 0", "amount_cents = 13.5"), "fees.0.amount_cents", id="fee in euros"),
            pytest.param(("amount_cents = 0", 'amount_cents = "13 EUR"'), "fees.0.amount_cents", id="fee in words"),
            pytest.param(("amount_cents = 0", "amount_cents = -1"), "fees.0.amount_cents", id="negative fee"),
            pytest.param(("valid_from = 2026-01-01", "valid_from = 2026-02-30"), "Invalid|day", id="no such day"),
            pytest.param(
                ('source = "municipal pages, 2026"', "age_from = 18"), "fees.0.source: Field required", id="no source"
            ),
            pytest.param(
                ('exemption = "volunteer"', 'exemtion = "volunteer"'), "no field 'exemtion'", id="fee's field"
            ),
            pytest.param(('exemption = "volunteer"', 'exemption = "club"'), "not allow 'club'", id="fee's value"),
            pytest.param(('id = "belegart"', 'id = "belegtyp"'), "options.0.id: .*no field 'belegtyp'", id="option"),
            pytest.param(('id = "P"', 'id = "X"'), "options.0.choices.2.id: .*not allow 'X'", id="choice"),
            pytest.param(
                ('exempt = { de = "bei Ehrenamt", en = "for volunteers" }', ""),
                "fees.0.exempt: is free for",
                id="free for whom",
            ),
            pytest.param(
                ('preselected = "national"', 'preselected = "x"'), "preselected: is none of", id="preselected"
            ),
            pytest.param(('"Strafregister"', '"vorstrafen"'), "synonyms.de.5: is said twice", id="same word"),
            pytest.param(('id = "person"', 'id = "age"'), "questions.1.id: .*two questions 'age'", id="same question"),
            pytest.param(("expected = true\n", ""), "questions.0.expected: Field required", id="no right answer"),
            pytest.param(('type = "object"', 'type = "objekt"'), "form.*objekt", id="form's type"),
            pytest.param(("additionalProperties = false\n", ""), "additionalProperties = false", id="open form"),
            pytest.param(("x-order = 3,", "x-order = 4,"), "has the place of", id="same place"),
            pytest.param(("x-order = 3,", ""), "form.properties.family_name: has no x-order", id="no place"),
            pytest.param(('format = "date"', 'format = "dates"'), "birth_date.format: is none of", id="format"),
            pytest.param(('de = "Geburtsort", ', ""), "birth_place.x-label.de: Field required", id="no German label"),
            pytest.param(('"family_name", "given', '"last_name", "given'), "no field 'last_name'", id="required"),
            pytest.param(('default = "none"', 'default = "no"'), "exemption.default: is no valid value", id="default"),
            pytest.param(('enum = ["O", "P"]', 'enum = ["O", "Q"]'), "'belegart' never is 'Q'", id="condition"),
            pytest.param(("authority = false", "authority = true"), "can only be false", id="consequence"),
            pytest.param(("[form.if]\n", "[form.allOf]\n"), "form", id="not understood by clients"),
        ],
    )
    def test_a_bad_file_is_refused_with_its_name_the_line_and_the_reason(
        self, tmp_path: Path, change: tuple[str, str], reason: str
    ) -> None:
        text, line = changed((SERVICES / "fuehrungszeugnis.toml").read_text(encoding="utf-8"), change)
        (tmp_path / "fuehrungszeugnis.toml").write_text(text, encoding="utf-8")
        with pytest.raises(CatalogueError, match=rf"^fuehrungszeugnis\.toml: line \d+: .*({reason})") as refused:
            load_catalogue(tmp_path)
        assert near(
            line,
            str(refused.value),
            missing="Field required" in reason or reason.startswith(("has no", "add", "fees.0.exempt")),
        )

    def test_everything_that_is_wrong_is_said_at_once(self, tmp_path: Path) -> None:
        text = (SERVICES / "beratung.toml").read_text(encoding="utf-8")
        text = text.replace("minutes = 15", "minutes = 0", 1).replace('category = "advice"', 'category = "talk"')
        (tmp_path / "beratung.toml").write_text(text, encoding="utf-8")
        with pytest.raises(CatalogueError, match=r"line 3: category: .*; line 8: minutes: "):
            load_catalogue(tmp_path)

    def test_a_file_is_named_after_its_service(self, tmp_path: Path) -> None:
        text = (SERVICES / "beratung.toml").read_text(encoding="utf-8")
        (tmp_path / "advice.toml").write_text(text, encoding="utf-8")
        with pytest.raises(CatalogueError, match=r"^advice\.toml: .*'beratung'.*named after its id"):
            load_catalogue(tmp_path)

    @pytest.mark.parametrize(
        ("fees", "reason"),
        [
            pytest.param(FEE + FEE.replace("2027", "2028"), "fees.2.valid_from: never applies: fees.1 ", id="shadowed"),
            pytest.param(FEE.replace("100", "1300") + "age_from = 24\nage_below = 18\n", "nobody is", id="no such age"),
            pytest.param(
                FEE + "age_from = 24\n" + FEE + "age_below = 24\n", "fees.2.text: reads like fees.1", id="same text"
            ),
        ],
    )
    def test_fee_rules_that_cannot_be_meant_are_refused(self, tmp_path: Path, fees: str, reason: str) -> None:
        text = (SERVICES / "personalausweis-vorlaeufig.toml").read_text(encoding="utf-8")
        first = text.index("[[fees]]")
        broken = text[:first] + FEE.replace("One", "Any").replace("Noch", "Nur") + "age_from = 99\n" + fees
        (tmp_path / "personalausweis-vorlaeufig.toml").write_text(broken + text[text.index("[form]") :])
        with pytest.raises(CatalogueError, match=rf"toml: line \d+: .*{reason}"):
            load_catalogue(tmp_path)


class TestOffices:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            pytest.param(('id = "anmeldung"', 'id = "anglerschein"'), "unknown service 'anglerschein'", id="service"),
            pytest.param(('id = "ummeldung"', 'id = "anmeldung"'), "'anmeldung' is offered twice", id="twice"),
            pytest.param(('"Europe/Berlin"', '"Europe/Bielefeld"'), "time_zone: .*Bielefeld", id="zone"),
            pytest.param(('state = "BW"', 'state = "XX"'), "state: .*XX", id="state"),
            pytest.param(("clerks = 6", "clerks = 0"), "clerks", id="nobody"),
            pytest.param(("clerks = 6", "clercs = 6"), "clercs", id="unknown key"),
            pytest.param(('accent = "#7a1f2b"', 'accent = "red; x"'), "branding.accent", id="colour"),
            pytest.param(("clerks = 6", "clerks 6"), "Expected '='", id="no TOML"),
            pytest.param(('slug = "heidelberg"', 'slug = "mannheim"'), "slug is 'mannheim'", id="name"),
            pytest.param(("[15, 90]", "[90, 15]"), "freed_delay_minutes: the shortest", id="delay"),
            pytest.param(("[15, 90]", "15"), "booking.freed_delay_minutes", id="no pair"),
            pytest.param(("no_show_minutes = 10", "no_show_minutes = -1"), "booking.no_show_minutes", id="no-show"),
            pytest.param(("amount_cents = 500", "amount = 5"), "services.9.fees.0", id="fee"),
            pytest.param(('id = "reisepass"', 'id = "reisepass"\nminutes = 3'), "services.3.minutes", id="short"),
        ],
    )
    def test_a_bad_file_is_refused_with_its_name_the_line_and_the_reason(
        self, tmp_path: Path, change: tuple[str, str], reason: str
    ) -> None:
        text, line = changed((OFFICES / "heidelberg.toml").read_text(encoding="utf-8"), change)
        (tmp_path / "heidelberg.toml").write_text(text, encoding="utf-8")
        with pytest.raises(OfficeError, match=rf"^heidelberg\.toml: .*line \d+: .*{reason}") as refused:
            load_offices(tmp_path, CATALOGUE)
        assert near(line, str(refused.value), missing=False)

    def test_an_office_that_closes_before_it_opens(self, tmp_path: Path) -> None:
        text, line = changed((OFFICES / "heidelberg.toml").read_text(), ('opens = "14:00"', 'opens = "18:00"'))
        (tmp_path / "heidelberg.toml").write_text(text, encoding="utf-8")
        with pytest.raises(OfficeError, match=rf"line {line - 2}: opening_hours.1: .*opens at 18:00"):
            load_offices(tmp_path, CATALOGUE)

    def test_a_fee_that_the_town_must_set_and_does_not(self, tmp_path: Path) -> None:
        text = (OFFICES / "heidelberg.toml").read_text(encoding="utf-8")
        text += '\n[[services]]\nid = "wunschkennzeichen"\n'
        (tmp_path / "heidelberg.toml").write_text(text, encoding="utf-8")
        last = text.count("\n")
        with pytest.raises(OfficeError, match=rf"line {last}: services.13: the town sets .*'wunschkennzeichen'"):
            load_offices(tmp_path, CATALOGUE)

    @pytest.mark.parametrize(
        ("own", "reason"),
        [
            ('when = { belegart = "Q" }', "fees.0.when.belegart: .*not allow 'Q'"),
            ('when = { size = "L" }', "fees.0.when.size: .*no field 'size'"),
            ("age_from = 14\nage_below = 14", "fees.0.age_from: nobody"),
        ],
    )
    def test_an_own_fee_that_does_not_fit_the_service(self, tmp_path: Path, own: str, reason: str) -> None:
        text = (OFFICES / "heidelberg.toml").read_text(encoding="utf-8")
        fee = FEE.replace("[[fees]]", "[[services.fees]]") + own + "\n"
        text, line = changed(text, ('id = "fuehrungszeugnis"\n', 'id = "fuehrungszeugnis"\n' + fee))
        (tmp_path / "heidelberg.toml").write_text(text, encoding="utf-8")
        with pytest.raises(OfficeError, match=rf"line {line + 7}: services.0.{reason}"):
            load_offices(tmp_path, CATALOGUE)

    def test_an_empty_directory_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(OfficeError, match="no office file"):
            load_offices(tmp_path, CATALOGUE)


def _paths(value: Any, path: tomlfile.Path = ()) -> list[tomlfile.Path]:
    if isinstance(value, dict):
        return [each for key, item in value.items() for each in [(*path, key), *_paths(item, (*path, key))]]
    if isinstance(value, list):
        return [each for i, item in enumerate(value) for each in [(*path, i), *_paths(item, (*path, i))]]
    return []


class TestEncoding:
    def test_windows_may_add_a_byte_order_mark_and_its_own_line_ends(self, tmp_path: Path) -> None:
        text = (SERVICES / "beratung.toml").read_text(encoding="utf-8")
        (tmp_path / "beratung.toml").write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
        assert load_catalogue(tmp_path)["beratung"] == CATALOGUE["beratung"]

    def test_another_encoding_is_refused_with_the_line(self, tmp_path: Path) -> None:
        text = (OFFICES / "heidelberg.toml").read_text(encoding="utf-8")
        (tmp_path / "heidelberg.toml").write_text(text, encoding="latin-1")
        line = text.count("\n", 0, text.index("ü")) + 1
        with pytest.raises(OfficeError, match=rf"^heidelberg\.toml: line {line}: is not UTF-8"):
            load_offices(tmp_path, CATALOGUE)


class TestLines:
    @pytest.mark.parametrize("path", SHIPPED)
    def test_everything_in_a_file_has_its_line(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        lines, found = text.splitlines(), tomlfile.positions(text)
        expected = _paths(tomllib.loads(text))
        assert set(expected) == set(found)
        for place in expected:
            if isinstance(place[-1], str):
                assert place[-1] in lines[found[place] - 1], place

    def test_all_ways_to_write_a_key(self) -> None:
        text = '\n# one\r\na.b = 1\n"c d" = """\nx = 1\n[no]\n"""\n[t.\'u.v\']\ne = [\n 1, # [\n [2, "]"],\n]\n'
        text += "[[s]]\nf = { g = 1, h = [ { i = 'x' },\n { j = 1979-05-27 } ] }\n[[s]]\n[s.k]\nl=2\n[[s.m]]\nn = 3"
        assert set(tomlfile.positions(text)) == set(_paths(tomllib.loads(text)))
        found = tomlfile.positions(text)
        assert [found["a", "b"], found["c d",], found["t", "u.v", "e", 1], found["t", "u.v", "e", 1, 0]] == [
            3,
            4,
            11,
            11,
        ]
        assert [found["s", 0, "f", "h", 1, "j"], found["s", 1], found["s", 1, "k", "l"]] == [15, 16, 18]
        assert found["s", 1, "m", 0, "n"] == 20

    @given(
        st.lists(
            st.tuples(st.from_regex(r"[a-z]{1,3}", fullmatch=True), st.booleans() | st.text(" #'a[]{}=", max_size=5)),
            unique_by=lambda pair: pair[0],
        )
    )
    def test_strings_hide_whatever_is_in_them(self, pairs: list[tuple[str, bool | str]]) -> None:
        rows = [
            f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {str(value).lower()}" for key, value in pairs
        ]
        found = tomlfile.positions("\n".join(rows))
        assert found == {(key,): number for number, (key, _) in enumerate(pairs, 1)}
