"""The people of the story, as they act through the gateway by HTTP."""

import hashlib
import json
from typing import Any
from uuid import uuid4

import altcha
import httpx
from system import System, eventually

Json = dict[str, Any]
FORM = {
    "belegart": "N",
    "family_name": "Müller-Yılmaz",
    "given_names": "Amélie",
    "birth_name": "Müller",
    "birth_date": "1990-04-12",
    "birth_place": "Lyon",
    "nationality": "deutsch",
    "address": "Hauptstraße 1\n69117 Heidelberg",
    "exemption": "none",
}

OPTIONS = {"fuehrungszeugnis": {"belegart": "N"}, "untersuchungsberechtigungsschein": {"examination": "first"}}


def ok(response: httpx.Response) -> Any:
    """The response's JSON. Fails the test with the problem when it is an error."""
    assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
    return response.json() if response.content else None


def free_slots(system: System, office: str = "demo", service: str = "fuehrungszeugnis") -> list[Json]:
    """The office's next free slots."""
    response = httpx.get(f"{system.url}/api/booking/offices/{office}/slots", params=_range(service), timeout=10)
    slots: list[Json] = ok(response)["slots"]
    return slots


def _range(service: str) -> dict[str, str]:
    from datetime import UTC, datetime, timedelta

    today = datetime.now(UTC).date()
    return {"services": service, "from": str(today), "to": str(today + timedelta(days=1))}


def proof_of_work(challenge: Json) -> str:
    """What the citizen's browser answers to a challenge: the value of the header Proof-Of-Work."""
    read = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(read)
    assert solution
    return altcha.Payload(read, solution).to_base64()


class Citizen:
    """Somebody with an appointment."""

    def __init__(self, system: System, booked: Json, email: str) -> None:
        self.system, self.booked, self.email = system, booked, email
        self.appointment_id = str(booked["appointment_id"])
        self.token = str(booked["link"]).split("#", 1)[1]
        self.http = httpx.Client(
            base_url=f"{system.url}/api", headers={"Authorization": f"Bearer {self.token}"}, timeout=15
        )

    @classmethod
    def books(
        cls,
        system: System,
        *,
        slot: Json | None = None,
        language: str = "de",
        name: str = "Amélie Müller-Yılmaz",
        service: str = "fuehrungszeugnis",
    ) -> "Citizen":
        """Book at the demo office; not the very next slot, which may begin in this second."""
        slot = slot or free_slots(system, service=service)[1]
        email = f"citizen-{uuid4().hex[:8]}@example.org"
        url = f"{system.url}/api/booking/offices/demo/appointments"
        headers = {"Idempotency-Key": uuid4().hex}
        body = {
            "services": [{"service_id": service, "options": OPTIONS[service]}],
            "starts_at": slot["starts_at"],
            "name": name,
            "email": email,
            "language": language,
        }
        response = httpx.post(url, headers=headers, json=body, timeout=15)
        if response.status_code == 429:  # as while Redis is away
            headers["Proof-Of-Work"] = proof_of_work(response.json()["challenge"])
            response = httpx.post(url, headers=headers, json=body, timeout=15)
        return cls(system, ok(response), email)

    def mails(self) -> list[Json]:
        """What arrived, newest first."""
        mails: list[Json] = ok(httpx.get(f"{self.system.url}/mail/api/messages", params={"to": self.email}, timeout=10))
        return mails

    def mail(self, word: str, seconds: float = 30) -> Json:
        """The mail whose subject holds `word`, once it is there."""
        found = eventually(lambda: [m for m in self.mails() if word in m["subject"]], seconds, f"mail: {word}")
        mail: Json = found[0]
        return mail

    def case(self) -> Json:
        """The case as the citizen sees it, once it exists."""

        def read() -> Any:
            response = self.http.get("/casework/citizen/case")
            return response.json() if response.is_success else None

        case: Json = eventually(read, 60, "the case exists")
        return case

    def confirms(self, application: Json) -> Json:
        """Confirm the document, after hashing it oneself as the citizen's browser does."""
        shown = canonical_hash(application["document"])
        path = f"/casework/citizen/case/applications/{application['application_id']}/confirmation"
        confirmed: Json = ok(self.http.post(path, json={"document_hash": shown}))
        return confirmed

    def signs(self, application: Json, document_hash: str | None = None) -> httpx.Response:
        """Sign the document by typing one's name."""
        document_hash = document_hash or str(application["document_hash"])
        signature = {
            "schalter": "signature/1",
            "document_hash": document_hash,
            "pointer": "keyboard",
            "width": 0,
            "height": 0,
            "strokes": [],
            "text": "Amélie Müller-Yılmaz",
            "svg_sha256": "",
        }
        path = f"/casework/citizen/case/applications/{application['application_id']}/signature"
        body = {"document_hash": document_hash, "signature": signature, "svg": "", "method": "typed"}
        return self.http.post(path, json=body)

    def pays(self) -> Json:
        """Approve at the provider, as the browser does, and come back."""
        eventually(lambda: self.http.get("/payment/citizen/order").is_success, what="the order exists")
        approval_url = str(ok(self.http.post("/payment/citizen/order/approval"))["approval_url"])
        with httpx.Client(timeout=15) as browser:
            page = browser.get(approval_url, follow_redirects=True)
            assert page.is_success, page.text
            order = str(page.url.params.get("token") or approval_url.rsplit("/", 1)[1].split("=")[-1])
            approve = f"{self.system.url}/paypal-simulator/checkoutnow/{order}/approve"
            back = browser.post(approve, headers={"Origin": self.system.url})
            assert back.status_code in (302, 303), back.text
        authorised: Json = ok(self.http.post("/payment/citizen/order/authorisation"))
        return authorised


class Clerk:
    """A signed-in clerk."""

    def __init__(self, system: System, office: str = "demo") -> None:
        account = system.sign_in(office)
        self.http = httpx.Client(base_url=f"{system.url}/api/casework", timeout=15)
        body = {"office": office, "username": account["username"], "password": account["password"]}
        session = ok(self.http.post("/session", json=body))
        self.http.headers["Authorization"] = f"Bearer {session['access_token']}"

    def finds(self, citizen: Citizen) -> Json:
        """The citizen's case in the agenda, once it is there."""

        def found() -> Any:
            agenda = ok(self.http.get("/agenda"))["cases"] + ok(self.http.get("/agenda", params=_tomorrow()))["cases"]
            return [case for case in agenda if case["appointment_id"] == citizen.appointment_id]

        case: Json = eventually(found, 60, "the case is in the agenda")[0]
        return case

    def case(self, case_id: str) -> Json:
        """The case as it is now."""
        case: Json = ok(self.http.get(f"/cases/{case_id}"))
        return case

    def does(self, case_id: str, act: str, body: Json | None = None) -> Json:
        """Post an act on the case."""
        answer: Json = ok(self.http.post(f"/cases/{case_id}/{act}", json=body or {}))
        return answer

    def fills_in(self, case_id: str, application: Json, **changes: Any) -> Json:
        """Save the application."""
        path = f"/cases/{case_id}/applications/{application['application_id']}"
        body = {"values": FORM | changes, "revision": application["revision"]}
        saved: Json = ok(self.http.put(path, json=body))
        return saved

    def identifies(self, case_id: str) -> Json:
        """Record the identity check."""
        checks = {"photo_matches": True, "security_features": True, "not_expired": True, "data_matches": True}
        return self.does(
            case_id, "identity-check", {"document_type": "identity_card", "checks": checks, "outcome": "verified"}
        )


def _tomorrow() -> dict[str, str]:
    from datetime import datetime, timedelta
    from zoneinfo import ZoneInfo

    return {"date": str((datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(days=1)).date())}


def canonical_hash(document: Json) -> str:
    """SHA-256 of the canonical JSON of a document, written here again on purpose: the other side's view of the rule."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
