"""The main job without a browser: book, mail, case, application, signature, payment, completion."""

import asyncio
import io
import zipfile
from uuid import UUID

import httpx
import pytest
from people import Citizen, Clerk, canonical_hash, ok
from personal import holding
from pypdf import PdfReader
from system import RemoteSystem, System, eventually

from contracts.topology import SERVICES
from schalter.personal_data import about

pytestmark = pytest.mark.journey


def test_a_citizen_books_and_leaves_with_everything_done(system: System) -> None:
    citizen, clerk = Citizen.books(system), Clerk(system)

    # The mail carries the very link that booking answered with, and opening it changes nothing.
    mail = citizen.mail("Videotermin")
    assert citizen.booked["link"] in mail["links"]
    assert ok(citizen.http.get("/booking/appointment"))["state"] == "booked"

    case_id = clerk.finds(citizen)["case_id"]
    clerk.does(case_id, "assignment")
    clerk.does(case_id, "stage", {"stage": "identity"})
    clerk.identifies(case_id)
    clerk.does(case_id, "stage", {"stage": "application"})

    # The application: an edit after the confirmation voids it.
    (application,) = clerk.case(case_id)["applications"]
    assert application["values"]["belegart"] == "N"
    application = clerk.fills_in(case_id, application)
    (shown,) = citizen.case()["applications"]
    assert canonical_hash(shown["document"]) == shown["document_hash"] == application["document_hash"]
    citizen.confirms(shown)
    application = clerk.fills_in(case_id, clerk.case(case_id)["applications"][0], birth_place="Paris")
    assert application["confirmed_at"] is None
    (shown,) = citizen.case()["applications"]
    citizen.confirms(shown)

    # The signature is bound to what was confirmed.
    clerk.does(case_id, "stage", {"stage": "signature"})
    assert citizen.signs(shown, "0" * 64).status_code == 409
    assert citizen.signs(shown).is_success
    assert clerk.case(case_id)["applications"][0]["signed_at"]

    # Nothing completes before the money is reserved.
    early = clerk.http.post(f"/cases/{case_id}/completion", json={})
    assert (early.status_code, early.json()["code"]) == (409, "step_missing")
    clerk.does(case_id, "payment-request")
    paid = citizen.pays()
    assert (paid["state"], paid["amount_cents"]) == ("authorised", 1300)
    eventually(lambda: clerk.case(case_id)["payment"]["state"] == "authorised", what="casework hears of it")

    clerk.does(case_id, "completion")
    eventually(lambda: clerk.case(case_id)["payment"]["state"] == "captured", what="the money is taken")
    assert citizen.mail("erledigt")
    receipt = citizen.mail("Quittung")
    assert "13,00" in receipt["text"]
    assert len(citizen.mails()) == 3

    _papers_are_complete(citizen, clerk, case_id)
    order = ok(citizen.http.get("/payment/citizen/order"))
    assert (order["state"], order["amount_cents"]) == ("captured", 1300)
    assert order["receipt_number"] in receipt["text"]


def _papers_are_complete(citizen: Citizen, clerk: Clerk, case_id: str) -> None:
    package = clerk.http.get(f"/cases/{case_id}/package.zip")
    assert package.is_success
    with zipfile.ZipFile(io.BytesIO(package.content)) as archive:
        names = archive.namelist()
        assert "case.json" in names
        (paper, *_) = [name for name in names if name.endswith(".pdf")]
        pdf = PdfReader(io.BytesIO(archive.read(paper)))
    text = "".join(page.extract_text() for page in pdf.pages)
    assert "Paris" in text
    assert "Müller-Yılmaz" in text
    receipt = citizen.http.get("/casework/citizen/case/receipt.pdf")
    assert receipt.content.startswith(b"%PDF")


def test_a_cancelled_appointment_kills_its_link_everywhere(system: System) -> None:
    citizen = Citizen.books(system, language="en")
    citizen.mail("Your video appointment")
    citizen.case()
    assert ok(citizen.http.post("/booking/appointment/cancellation"))["state"] == "cancelled"
    assert citizen.mail("is cancelled")
    eventually(lambda: citizen.http.get("/casework/citizen/case").status_code == 410, what="casework refuses the link")
    eventually(
        lambda: citizen.http.post("/signaling/tickets", json={}).status_code == 410, what="signaling refuses the link"
    )
    assert citizen.http.get("/booking/appointment").status_code == 410


def test_who_is_erased_stands_in_no_database_any_more(system: System) -> None:
    if isinstance(system, RemoteSystem):
        pytest.skip("its databases are out of reach")
    citizen, clerk = Citizen.books(system, name="Ottilie Planted"), Clerk(system)
    citizen.mail("Videotermin")
    case_id = clerk.finds(citizen)["case_id"]
    clerk.does(case_id, "assignment")
    clerk.identifies(case_id)
    (application,) = clerk.case(case_id)["applications"]
    citizen.confirms(clerk.fills_in(case_id, application, birth_place="Plantedstein"))
    words = ("Ottilie Planted", "Plantedstein", citizen.email)
    databases = {service: system.database(service) for service in SERVICES}

    def found() -> list[str]:
        held = {service: asyncio.run(holding(url, words)) for service, url in databases.items()}
        # Within the hour; what has not been published yet cannot go.
        return [f"{service} {place}" for service, places in held.items() for place in places if "outbox" not in place]

    def told() -> list[str]:
        stored = about(databases, UUID(citizen.appointment_id))
        return [f"{service} {word}" for service, tables in stored.items() for word in words if word in str(tables)]

    assert told() == [
        "booking Ottilie Planted",
        f"booking {citizen.email}",
        *(f"casework {word}" for word in words),
        "notify Ottilie Planted",
        f"notify {citizen.email}",
    ]
    assert {place.split()[0] for place in found()} == {"booking", "casework", "notify"}
    assert citizen.http.post("/booking/appointment/erasure").status_code == 204
    eventually(lambda: not found(), what=f"nothing is left of {words}")
    assert told() == []


def test_another_office_does_not_see_the_case(system: System) -> None:
    citizen = Citizen.books(system)
    case_id = Clerk(system, "demo").finds(citizen)["case_id"]
    stranger = Clerk(system, "heidelberg")
    assert stranger.http.get(f"/cases/{case_id}").status_code == 404
    ticket = httpx.post(
        f"{system.url}/api/signaling/tickets",
        json={"appointment_id": citizen.appointment_id},
        headers={"Authorization": stranger.http.headers["Authorization"]},
    )
    assert ticket.status_code == 404
