"""What stands in a paper: the data that its template sets. Plain functions of a case and its office."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from babel.dates import format_datetime
from babel.numbers import format_currency

from casework.applications.model import Application
from casework.applications.naming import title
from casework.applications.signature import draw
from casework.cases.model import Case
from casework.papers.texts import labels
from contracts.catalogue import Catalogue
from contracts.offices import Office
from contracts.text import Language

_LOCALES: Mapping[Language, str] = {"de": "de_DE", "en": "en_GB"}
_REGIONS: Mapping[Language, str] = {"de": "DE", "en": "GB"}
_PROVIDERS = {"paypal": "PayPal"}


def application_paper(case: Case, application: Application, office: Office) -> tuple[dict[str, Any], str]:
    """Data and ink (SVG, or empty) of the paper for a complete `application`."""
    document = application.document
    assert document is not None, "only a complete application has a paper"
    language: Language = document["language"]
    texts = labels(language)
    facts = [
        [texts["reference"], case.reference],
        [texts["appointment"], _moment(case.starts_at, office, language)],
        [texts["fee"], _money(application.fee_cents, language) if application.fee_cents else texts["free"]],
    ]
    if application.confirmed_at:
        facts.append([texts["confirmed"], _moment(application.confirmed_at, office, language)])
    data = _frame(case, office, language, title=document["title"], about=texts["application_about"]) | {
        "kind": texts["application"],
        "facts": facts,
        "draft": _warning(application, texts),
        "rows": [{"label": row["label"], "text": row["text"]} for row in document["rows"]],
        "statement": document["statement"],
        "signature": _signature(case, application, office, texts),
        "hash": application.document_hash,
    }
    signature = application.signature
    return data, draw(signature) if signature is not None and signature.method == "drawn" else ""


def receipt_paper(case: Case, office: Office, catalogue: Catalogue) -> dict[str, Any]:
    """Data of the citizen's receipt for a completed `case`: a record of what was done, when nothing was due."""
    language: Language = case.language
    texts = labels(language)
    assert case.ended_at is not None, "only a completed case has a receipt"
    facts = [[texts["reference"], case.reference], [texts["completed"], _moment(case.ended_at, office, language)]]
    if case.person:
        facts.insert(0, [texts["name"], case.person.name])
    if case.payment.receipt_number:
        facts.append([texts["receipt_number"], case.payment.receipt_number])
    services = [catalogue[application.service_id] for application in case.applications]
    items = [
        {
            "text": title(service, application).in_language(language),
            "amount": _money(application.fee_cents, language) if application.fee_cents else texts["free"],
        }
        for service, application in zip(services, case.applications, strict=True)
    ]
    paid = texts["nothing_due"]
    if case.payment.at is not None:
        provider = _PROVIDERS.get(case.payment.provider, case.payment.provider)
        paid = texts["paid"].format(at=_moment(case.payment.at, office, language), provider=provider)
    kind = "receipt" if case.fee_cents else "record"
    return _frame(case, office, language, title=texts[kind], about=texts[f"{kind}_about"]) | {
        "kind": None,
        "facts": facts,
        "greeting": texts["greeting"],
        "items": items,
        "total": _money(case.fee_cents, language),
        "paid": paid,
        "next": list(dict.fromkeys(s.cannot_finish.in_language(language) for s in services if s.cannot_finish)),
        "closing": texts["closing"],
    }


def _frame(case: Case, office: Office, language: Language, *, title: str, about: str) -> dict[str, Any]:
    name = office.name.in_language(language)
    return {
        "title": title,
        "description": f"{about}, {case.reference}",
        "reference": case.reference,
        "language": language,
        "region": _REGIONS[language],
        "accent": office.branding.accent,
        "office": {"name": name, "address": [line for line in office.contact.address if line != name]},
        "labels": labels(language),
    }


def _warning(application: Application, texts: Mapping[str, str]) -> str | None:
    step = application.missing_step()
    return {"confirmation": texts["draft"], "signature": texts["unsigned"]}.get(step or "")


def _signature(case: Case, application: Application, office: Office, texts: Mapping[str, str]) -> dict[str, Any] | None:
    signature, at = application.signature, application.signed_at
    if signature is None or at is None:
        return None
    name = case.person.name if case.person else texts["citizen"]
    when = _moment(at, office, case.language)
    drawn = signature.method == "drawn"
    return {
        "drawn": drawn,
        "text": signature.text,
        "alt": texts["signature_alt"].format(name=name),
        "caption": texts["signed_drawn" if drawn else "signed_typed"].format(at=when),
    }


def _moment(at: datetime, office: Office, language: Language) -> str:
    """The instant in the office's time, with the zone said: citizens abroad read this, too."""
    pattern = "d. MMMM y, HH:mm 'Uhr' (z)" if language == "de" else "d MMMM y, HH:mm (z)"
    return format_datetime(at, pattern, tzinfo=office.zone, locale=_LOCALES[language])


def _money(cents: int, language: Language) -> str:
    # Integer arithmetic up to the last step: babel gets an exact string, never a float.
    return format_currency(f"{cents // 100}.{cents % 100:02}", "EUR", locale=_LOCALES[language])
