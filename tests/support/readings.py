"""The texts as they reach people: the catalogue, rendered mails, papers as PDF, the payment simulator's pages."""

import io
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final, get_args
from uuid import UUID, uuid4

import httpx
import pypdf
from dictionaries import ROOT
from filled_forms import FILLED
from vocabulary import Text

from casework.applications.document import canonical_json
from casework.applications.form import Heading, draft
from casework.applications.model import Application
from casework.applications.signature import Signature
from casework.cases.booked import Person
from casework.cases.model import Case
from casework.cases.payment import Payment
from casework.directory import Directory
from casework.papers.content import application_paper, receipt_paper
from casework.papers.render import render
from contracts.catalogue import load_catalogue
from contracts.offices import Offices, load_offices
from contracts.text import Language
from notify.mail import Composer
from notify.preview import compose, content, previews
from simulators.paypal.app import build
from simulators.paypal.settings import Settings

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
NOW: Final = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
OFFICE: Final = "heidelberg"


def of_catalogue() -> Iterator[Text]:
    """Every text of every service and every office."""
    for path in sorted([*(ROOT / "libs/contracts/src/contracts/services").glob("*.toml"), *_offices()]):
        yield from _localised(path, "", tomllib.loads(path.read_text(encoding="utf-8")))


def _offices() -> Iterator[Path]:
    return (ROOT / "deploy" / "offices").glob("*.toml")


def _localised(path: Path, key: str, value: Any) -> Iterator[Text]:
    if isinstance(value, list):
        for each in value:
            yield from _localised(path, key, each)
    elif isinstance(value, dict):
        for language in LANGUAGES:
            if isinstance(said := value.get(language), str):
                yield Text(f"{path.name}: {key}", language, said, plain=key.endswith("_plain"))
        for name, each in value.items():
            yield from _localised(path, f"{key}.{name}".lstrip("."), each)


class _Words(HTMLParser):
    """What a page shows; styles are no words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.said.append(data)


def words(html: str) -> str:
    """The words of a page, in one line."""
    return " ".join(" ".join(_Words(html).said).split())


def of_mails() -> Iterator[Text]:
    """Every mail in every language and kind of language: as a page, as text, and its entry for the calendar."""
    composer = Composer(_directory().offices, load_catalogue(), public_origin="https://x.example", sender="a@x.example")
    for preview in previews():
        mail = compose(composer, preview, OFFICE)
        for form in ("text", "html", "ics"):
            said = content(mail, form)
            if said is not None:
                shown = words(said) if form == "html" else said.replace("\r\n ", "")
                yield Text(f"mail {preview.name}.{form}", preview.language, shown, plain=preview.plain)


def _directory() -> Directory:
    catalogue = load_catalogue()
    offices: Offices = load_offices(ROOT / "deploy" / "offices", catalogue)
    return Directory(offices, catalogue)


def of_papers() -> Iterator[Text]:
    """Applications as draft, unsigned, drawn and typed, and receipts with and without money, read from the PDFs."""
    directory = _directory()
    for language in LANGUAGES:
        for step in ("draft", "confirmed", "drawn", "typed"):
            case, application = _case(directory, language)
            _carry(application, step)
            data, ink = application_paper(case, application, directory.office(OFFICE))
            assert application.document
            pdf = render("application", data, NOW, document=canonical_json(application.document).decode(), ink=ink)
            yield _read(f"application, {step}", language, pdf)
        for payment in (Payment(), Payment("captured", 4600, provider="paypal", receipt_number="HD-2026-1", at=NOW)):
            case, _ = _case(directory, language)
            case.ended_at, case.payment = NOW, payment
            fee = payment.amount_cents
            case.applications = [Application(uuid4(), "personalausweis", True, True, fee_cents=fee)]
            data = receipt_paper(case, directory.office(OFFICE), directory.catalogue)
            yield _read(f"receipt over {payment.amount_cents}", language, render("receipt", data, NOW))


def _case(directory: Directory, language: Language) -> tuple[Case, Application]:
    service, ids = "fuehrungszeugnis", UUID(int=7)
    application = Application(uuid4(), service, True, True)
    about: dict[str, Any] = {"office": OFFICE, "appointment_id": ids, "reference": "HD-7K3M9Q", "language": language}
    application.edit(draft(directory.service(service), FILLED[service], Heading(**about), today=NOW.date()), 0)
    case = Case(
        case_id=uuid4(),
        starts_at=NOW,
        ends_at=NOW + timedelta(minutes=15),
        link_generation=1,
        person=Person("Ayşe Öztürk", "ayse@example.org"),
        applications=[application],
        **about,
    )
    return case, application


def _carry(application: Application, step: str) -> None:
    if step == "draft":
        return
    assert application.document_hash
    application.confirm(application.document_hash, NOW)
    strokes = (tuple((100 + i * 6, 150 + i, i * 12, 500) for i in range(90)),)
    if step == "drawn":
        drawn = Signature(application.document_hash, "drawn", "pen", 800, 300, strokes)
        application.sign(drawn, NOW)
    elif step == "typed":
        application.sign(Signature(application.document_hash, "typed", "keyboard", 0, 0, (), "Ayşe Öztürk"), NOW)


def _read(name: str, language: Language, pdf: bytes) -> Text:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    assert reader.metadata is not None
    said = [str(reader.metadata.title), str(reader.metadata.subject), *(page.extract_text() for page in reader.pages)]
    return Text(f"paper {name}.{language}", language, " ".join(said))


_ORDER: Final = {
    "intent": "AUTHORIZE",
    "purchase_units": [
        {
            "amount": {
                "currency_code": "EUR",
                "value": "13.00",
                "breakdown": {"item_total": {"currency_code": "EUR", "value": "13.00"}},
            },
            "items": [{"name": "HD-7", "quantity": "1", "unit_amount": {"currency_code": "EUR", "value": "13.00"}}],
        }
    ],
    "payment_source": {
        "paypal": {
            "experience_context": {
                "brand_name": "Heidelberg",
                "return_url": "http://x.test/?state=approved",
                "cancel_url": "http://x.test/?state=cancelled",
            }
        }
    },
}


async def of_payment() -> list[Text]:
    """The simulator's page before and after the approval, and for a payment that it does not know."""
    settings = Settings(
        paypal_port=1,
        paypal_client_id="id",
        paypal_client_secret="secret",
        paypal_webhook_id="WH1",
        paypal_api_url="http://paypal.test",
        paypal_public_url="http://paypal.test/paypal-simulator",
    )
    texts = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(settings)), base_url="http://paypal.test") as http:
        form = {"grant_type": "client_credentials"}
        token = (await http.post("/v1/oauth2/token", data=form, auth=("id", "secret"))).json()["access_token"]
        asked = {"Authorization": f"Bearer {token}", "PayPal-Request-Id": "1"}
        order = (await http.post("/v2/checkout/orders", json=_ORDER, headers=asked)).json()["id"]
        for state, known in (("open", order), ("unknown", "none"), ("approved", order)):
            if state == "approved":
                await http.post(f"/paypal-simulator/checkoutnow/{order}/approve")
            for language in LANGUAGES:
                where = f"/paypal-simulator/checkoutnow?token={known}"
                page = await http.get(where, headers={"Accept-Language": language})
                texts.append(Text(f"payment {state}.{language}", language, words(page.text)))
    return texts
