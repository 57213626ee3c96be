"""Papers as their readers get them: text, tags, language, attachment, the signature; the same bytes each time."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pypdf
import pytest

from casework.applications.document import canonical_json, sha256_hex
from casework.applications.form import Heading, draft
from casework.applications.model import Application
from casework.applications.signature import Signature
from casework.cases.booked import Person
from casework.cases.model import Case
from casework.cases.payment import Payment
from casework.directory import Directory
from casework.papers.content import application_paper, receipt_paper
from casework.papers.render import render

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
VALUES = {
    "belegart": "O",
    "family_name": "Öztürk",
    "given_names": "Ayşe Erika",
    "birth_name": "Öztürk",
    "birth_date": "1984-08-12",
    "birth_place": "Thành phố Hồ Chí Minh",
    "nationality": "deutsch",
    "address": "Heidestraße 17\n51147 Köln",
    "exemption": "none",
    "authority": "Landratsamt Rhein-Neckar-Kreis\n69115 Heidelberg",
    "purpose": '#panic("typst") *not bold* $x$ \\ ] @ref <label> // no comment',
}
STROKES = tuple((100 + i * 6, 150 + (i * i) % 90, i * 12, 500) for i in range(90))


def case_with(directory: Directory, language: Any, values: Any = None) -> tuple[Case, Application]:
    appointment_id = UUID(int=7)
    application = Application(uuid4(), "fuehrungszeugnis", True, True)
    complete = draft(
        directory.service("fuehrungszeugnis"),
        values or VALUES,
        Heading("heidelberg", appointment_id, "HD-7K3M9Q", language),
        today=NOW.date(),
    )
    application.edit(complete, 0)
    case = Case(
        case_id=uuid4(),
        office="heidelberg",
        appointment_id=appointment_id,
        reference="HD-7K3M9Q",
        starts_at=NOW,
        ends_at=NOW + timedelta(minutes=15),
        language=language,
        link_generation=1,
        person=Person("Ayşe Öztürk", "ayse@example.org"),
        applications=[application],
    )
    return case, application


def signed(application: Application, **how: Any) -> None:
    assert application.document_hash
    application.confirm(application.document_hash, NOW)
    kind = how or {"method": "drawn", "pointer": "pen", "width": 800, "height": 300, "strokes": (STROKES,)}
    application.sign(Signature(document_hash=application.document_hash, **kind), NOW)


def on_paper(directory: Directory, case: Case, application: Application) -> bytes:
    data, ink = application_paper(case, application, directory.office("heidelberg"))
    assert application.document
    return render("application", data, NOW, document=canonical_json(application.document).decode(), ink=ink)


def read(pdf: bytes) -> tuple[pypdf.PdfReader, str]:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return reader, "\n".join(page.extract_text() for page in reader.pages)


@pytest.mark.parametrize(
    ("language", "tag", "words"),
    [
        ("de", "de-DE", ["Führungszeugnis", "Terminnummer", "Unterschrift", "24. November 2026, 09:00 Uhr (MEZ)"]),
        (
            "en",
            "en-GB",
            ["Certificate of good conduct", "Appointment number", "Signature", "24 November 2026, 09:00 (CET)"],
        ),
    ],
)
def test_an_application_is_accessible_in_the_citizens_language(
    directory: Directory, language: Any, tag: str, words: list[str]
) -> None:
    case, application = case_with(directory, language)
    signed(application)
    reader, text = read(on_paper(directory, case, application))
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"].value is True
    assert root["/Lang"] == tag
    assert root["/StructTreeRoot"]["/K"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    assert reader.metadata
    assert reader.metadata.title == directory.service("fuehrungszeugnis").name.in_language(language)
    xmp = root["/Metadata"].get_data().decode()
    assert "pdfuaid:part>1<" in xmp
    assert "pdfaid:part>3<" in xmp
    for word in [*words, "HD-7K3M9Q", "Öztürk", "Thành phố Hồ Chí Minh"]:
        assert word in text


def test_a_picture_of_a_signature_has_words_for_those_who_cannot_see_it(directory: Directory) -> None:
    case, application = case_with(directory, "de")
    signed(application)
    reader, _ = read(on_paper(directory, case, application))
    assert "Handschriftliche Unterschrift von Ayşe Öztürk" in _alternatives(reader)


def _alternatives(reader: pypdf.PdfReader) -> list[str]:
    found: list[str] = []

    def walk(node: Any) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif isinstance(node, dict):
            if "/Alt" in node:
                found.append(str(node["/Alt"]))
            if "/K" in node:
                walk(node["/K"])

    root: Any = reader.trailer["/Root"]
    walk(root["/StructTreeRoot"])
    return found


def test_what_was_typed_is_text_and_never_a_program(directory: Directory) -> None:
    case, application = case_with(directory, "de")
    _, text = read(on_paper(directory, case, application))
    assert VALUES["purpose"].replace(" ", "") in text.replace("\n", "").replace(" ", "")


def test_the_attached_document_has_the_printed_hash(directory: Directory) -> None:
    case, application = case_with(directory, "en")
    signed(application)
    reader, text = read(on_paper(directory, case, application))
    (document,) = reader.attachments["document.json"]
    assert json.loads(document) == application.document
    assert sha256_hex(document) == application.document_hash
    assert str(application.document_hash) in text.replace(" ", "").replace("\n", "")


def test_the_same_case_gives_the_same_bytes(directory: Directory) -> None:
    case, application = case_with(directory, "de")
    signed(application)
    assert on_paper(directory, case, application) == on_paper(directory, case, application)


def test_a_draft_says_so(directory: Directory) -> None:
    case, application = case_with(directory, "de")
    _, text = read(on_paper(directory, case, application))
    assert "Entwurf" in text
    assert "Im Videotermin unterschrieben" not in text


def test_a_typed_signature_is_printed_as_such(directory: Directory) -> None:
    case, application = case_with(directory, "en")
    signed(application, method="typed", pointer="keyboard", width=0, height=0, strokes=(), text="Ayşe Öztürk")
    _, text = read(on_paper(directory, case, application))
    assert "by typing the name" in text


def test_long_entries_go_on_on_the_next_page(directory: Directory) -> None:
    long = {
        **VALUES,
        "address": "\n".join(f"Z {n}" for n in range(60)),
        "authority": "\n".join(f"H {n}" for n in range(50)),
    }
    case, application = case_with(directory, "de", long)
    signed(application)
    reader, text = read(on_paper(directory, case, application))
    assert len(reader.pages) > 1
    assert f"Seite {len(reader.pages)} von {len(reader.pages)}" in text


def test_a_receipt_names_services_money_and_what_comes_next(directory: Directory) -> None:
    case, application = case_with(directory, "de")
    signed(application)
    card = Application(uuid4(), "personalausweis", True, True, fee_cents=4600)
    case.applications.append(card)
    case.ended_at = NOW
    case.payment = Payment("captured", 5900, provider="paypal", receipt_number="HD-2026-000042", at=NOW)
    data = receipt_paper(case, directory.office("heidelberg"), directory.catalogue)
    reader, text = read(render("receipt", data, NOW))
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == "de-DE"
    for words in ("Quittung", "13,00", "46,00", "59,00", "PayPal", "HD-2026-000042", "Fingerabdrücke", "Ayşe Öztürk"):
        assert words in text


def test_nothing_due_is_a_confirmation_and_no_receipt(directory: Directory) -> None:
    case, _ = case_with(directory, "en", {**VALUES, "exemption": "volunteer"})
    case.ended_at = NOW
    data = receipt_paper(case, directory.office("heidelberg"), directory.catalogue)
    reader, text = read(render("receipt", data, NOW))
    assert "There is nothing to pay." in text
    assert reader.metadata
    assert reader.metadata.subject == "Confirmation of a video appointment, HD-7K3M9Q"
    assert "Receipt" not in text
