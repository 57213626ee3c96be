"""Appointments that move, are for several people, or are forgotten: what every service does with them."""

from uuid import uuid4

import httpx
import pytest
from people import Citizen, Clerk, Json, free_slots, ok
from system import System, eventually

pytestmark = pytest.mark.journey


def _by(citizen: Citizen, booked: Json) -> Citizen:
    """The same person, with the link of the newest mail."""
    return Citizen(citizen.system, booked, citizen.email)


def test_a_moved_appointment_kills_its_old_link_everywhere_and_keeps_its_case(system: System) -> None:
    old, clerk = Citizen.books(system), Clerk(system)
    old.mail("Videotermin")
    case_id = clerk.finds(old)["case_id"]
    later = free_slots(system)[-1]
    booked = ok(
        old.http.post(
            "/booking/appointment/rescheduling",
            json={"starts_at": later["starts_at"]},
            headers={"Idempotency-Key": uuid4().hex},
        )
    )
    new = _by(old, booked)
    mail = old.mail("verlegt")
    assert booked["link"] in mail["links"]
    assert not [link for link in mail["links"] if old.token in link]

    # Every service refuses the old link and takes the new one.
    assert old.http.get("/booking/appointment").status_code == 410
    for path, method in (
        ("/casework/citizen/case", "GET"),
        ("/signaling/tickets", "POST"),
        ("/payment/citizen/order", "GET"),
    ):
        body: dict[str, str] | None = {} if method == "POST" else None
        eventually(lambda: old.http.request(method, path, json=body).status_code == 410, what=f"{path} refuses")  # noqa: B023
    assert new.case()["case_id"] == case_id
    eventually(lambda: clerk.case(case_id)["mail"] == "delivered", what="casework hears of the mail")
    case = clerk.case(case_id)
    assert (case["state"], case["starts_at"]) == ("open", later["starts_at"])
    assert "appointment_moved" in [entry["action"] for entry in case["audit"]]


def test_a_family_with_needs_is_one_appointment_with_an_application_each(system: System) -> None:
    slot = free_slots(system, service="personalausweis:2")[0]
    email = f"citizen-{uuid4().hex[:8]}@example.org"
    body = {
        "services": [{"service_id": "personalausweis", "options": {}, "persons": 2}],
        "starts_at": slot["starts_at"],
        "name": "Amélie Müller-Yılmaz",
        "email": email,
        "phone": "+49 6221 1234567",
        "needs": ["sign_language_interpreter"],
        "language": "de",
    }
    url = f"{system.url}/api/booking/offices/demo/appointments"
    booked = ok(httpx.post(url, headers={"Idempotency-Key": uuid4().hex}, json=body, timeout=15))
    citizen, clerk = Citizen(system, booked, email), Clerk(system)
    line = clerk.finds(citizen)
    assert (line["needs"], line["services"][0]["persons"]) == (["sign_language_interpreter"], 2)
    case = clerk.case(line["case_id"])
    assert [each["title"]["de"] for each in case["applications"]] == [
        "Personalausweis, Person 1 von 2",
        "Personalausweis, Person 2 von 2",
    ]
    assert case["phone"] == "+4962211234567"
    text = citizen.mail("Videotermin")["text"]
    assert "Gebärdensprache" in text
    assert "2\N{NO-BREAK SPACE}Personen" in text


def test_who_wants_to_be_forgotten_is_forgotten_everywhere(system: System) -> None:
    citizen, clerk = Citizen.books(system), Clerk(system)
    citizen.mail("Videotermin")
    case_id = clerk.finds(citizen)["case_id"]
    assert citizen.http.post("/booking/appointment/erasure").status_code == 204
    eventually(lambda: clerk.case(case_id)["citizen_name"] is None, what="casework forgets")
    assert clerk.case(case_id)["audit"][-1]["action"] == "data_erased"
    for path, method in (
        ("/booking/appointment", "GET"),
        ("/casework/citizen/case", "GET"),
        ("/signaling/tickets", "POST"),
    ):
        body: dict[str, str] | None = {} if method == "POST" else None
        eventually(lambda: citizen.http.request(method, path, json=body).status_code == 410, what=f"{path} refuses")  # noqa: B023


def test_whoever_did_not_come_is_told_kindly_and_the_case_ends_once(system: System) -> None:
    citizen, clerk = Citizen.books(system), Clerk(system)
    case_id = clerk.finds(citizen)["case_id"]
    clerk.does(case_id, "assignment")
    clerk.does(case_id, "abortion", {"reason": "citizen_absent"})
    assert "Das kann passieren" in citizen.mail("vermisst")["text"]
    case = clerk.case(case_id)
    assert case["abort_reason"] == "citizen_absent"
    assert [entry["action"] for entry in case["audit"]].count("case_aborted") == 1


def test_who_comes_after_they_were_missed_is_let_in_all_the_same(system: System) -> None:
    citizen, clerk = Citizen.books(system), Clerk(system)
    case_id = clerk.finds(citizen)["case_id"]
    clerk.does(case_id, "assignment")
    clerk.does(case_id, "abortion", {"reason": "citizen_absent"})
    eventually(lambda: citizen.http.get("/booking/appointment").json()["state"] == "no_show", what="booking hears")
    path = f"{system.url}/api/booking/office/appointments/{citizen.appointment_id}/resumption"
    signed_in = {"Authorization": clerk.http.headers["Authorization"]}
    resumed = ok(httpx.post(path, headers=signed_in, timeout=15))
    assert (resumed["state"], resumed["meanwhile"]) == ("booked", [])

    eventually(lambda: clerk.case(case_id)["state"] == "in_progress", what="the case goes on")
    assert ok(citizen.http.get("/booking/appointment"))["awaited"]
    eventually(lambda: citizen.http.post("/signaling/tickets", json={}).status_code == 201, what="the room opens")
    clerk.does(case_id, "abortion", {"reason": "technical"})
    eventually(lambda: citizen.http.get("/booking/appointment").json()["state"] == "aborted", what="it ends as any")


def test_what_the_office_moves_comes_with_an_apology_and_the_clerks_name_in_the_trail(system: System) -> None:
    citizen, clerk = Citizen.books(system), Clerk(system)
    case_id = clerk.finds(citizen)["case_id"]
    later = free_slots(system)[-1]
    moved = httpx.post(
        f"{system.url}/api/booking/office/appointments/{citizen.appointment_id}/rescheduling",
        json={"starts_at": later["starts_at"]},
        headers={"Authorization": clerk.http.headers["Authorization"], "Idempotency-Key": uuid4().hex},
        timeout=15,
    )
    ok(moved)
    mail = citizen.mail("verlegt")
    assert "leider mussten wir Ihren Termin verlegen" in mail["text"]
    (link,) = {link for link in mail["links"] if "/appointment#" in link}
    assert Citizen(system, {**citizen.booked, "link": link}, citizen.email).case()["case_id"] == case_id
    entry = next(each for each in clerk.case(case_id)["audit"] if each["action"] == "appointment_moved")
    assert entry["detail"]["by"] == "office"
    assert entry["actor"] not in ("system", "citizen")
