"""The HTTP doors: the story of a case, who may do what, and what is refused how."""

import io
import json
import re
import zipfile
from typing import Any
from uuid import uuid4

import httpx
import pypdf
import pytest

from contracts.payment import PaymentAuthorised, PaymentCaptured
from contracts.topology import EVENTS


class TestStory:
    async def test_from_booking_to_receipt(self, call: Any, world: Any) -> None:
        assert (await call.act("stage", {"stage": "identity"})).json()["stage"] == "identity"
        await call.settle()
        asked = await call.act("payment-request")
        assert asked.json()["payment"]["state"] == "requested"
        assert asked.json()["payment"]["amount_cents"] == 1300
        assert asked.json()["stage"] == "payment"
        await call.paid(PaymentAuthorised)
        done = await call.act("completion")
        assert (done.json()["state"], done.json()["stage"]) == ("completed", "done")
        await call.paid(PaymentCaptured, receipt_number="HD-R-1")

        seen = await call.get("/citizen/case", call.citizen)
        assert (seen["state"], seen["payment"]["state"], seen["payment"]["receipt_number"]) == (
            "completed",
            "captured",
            "HD-R-1",
        )
        receipt = await world.client.get("/citizen/case/receipt.pdf", headers=call.citizen)
        assert receipt.headers["content-type"] == "application/pdf"
        assert receipt.headers["cache-control"] == "no-store"
        assert "HD-R-1" in pypdf.PdfReader(io.BytesIO(receipt.content)).pages[0].extract_text()
        actions = [entry["action"] for entry in (await call.view())["audit"]]
        assert actions == [
            "case_opened",
            "case_taken",
            "stage_shown",
            "identity_checked",
            "application_saved",
            "application_confirmed",
            "application_signed",
            "payment_requested",
            "payment_authorised",
            "case_completed",
            "payment_captured",
        ]

    async def test_what_the_room_shows_is_announced_with_rising_revisions(self, call: Any, world: Any) -> None:
        await call.settle()
        rows = await world.rows(
            "SELECT body FROM outbox WHERE subject = 'casework.stage_changed.v1' AND headers->>'ce-subject' = :id"
            " ORDER BY id",
            id=str(call.booked.appointment_id),
        )
        revisions = [json.loads(row["body"])["revision"] for row in rows]
        assert revisions == sorted(set(revisions))
        assert revisions[-1] == (await call.get("/citizen/case", call.citizen))["revision"]

    async def test_events_are_published_once_each(self, call: Any, world: Any) -> None:
        await call.settle()
        await call.act("payment-request")
        await call.act("payment-request")
        await call.paid(PaymentAuthorised)
        first, second = await call.act("completion"), await call.act("completion")
        assert first.json() == second.json()
        published = await world.published(call.booked.appointment_id)
        others = [subject for subject in published if subject != "casework.stage_changed.v1"]
        assert others == [
            "casework.case_opened.v1",
            "casework.application_confirmed.v1",
            "casework.signed.v1",
            "casework.payment_requested.v1",
            "casework.case_completed.v1",
        ]

    async def test_published_events_are_readable_and_name_their_actor(self, call: Any, world: Any) -> None:
        await call.settle()
        rows = await world.rows("SELECT subject, body, headers FROM outbox")
        for row in rows:
            EVENTS[row["subject"]].model_validate_json(bytes(row["body"]))
        actors = {row["headers"].get("ce-actor") for row in rows if row["subject"] == "casework.signed.v1"}
        assert actors == {"citizen"}

    async def test_two_services_are_two_applications(self, begin: Any) -> None:
        call = await begin(services=["personalausweis", "anmeldung"])
        await call.settle()
        asked = (await call.act("payment-request")).json()
        assert asked["payment"]["amount_cents"] == 4600
        assert [item["service_id"] for item in asked["payment"]["items"]] == ["personalausweis"]

    async def test_a_free_service_completes_without_money(self, begin: Any, world: Any) -> None:
        call = await begin(services=["anmeldung"])
        await call.settle()
        refused = await call.act("payment-request")
        assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_pay")
        assert (await call.act("completion")).status_code == 200
        receipt = await world.client.get("/citizen/case/receipt.pdf", headers=call.citizen)
        assert receipt.status_code == 200

    async def test_an_aborted_case_says_why(self, call: Any, world: Any) -> None:
        first = await call.act("abortion", {"reason": "citizen_absent"})
        again = await call.act("abortion", {"reason": "technical"})
        assert first.json() == again.json()
        assert first.json()["abort_reason"] == "citizen_absent"
        assert (await world.published(call.booked.appointment_id)).count("casework.case_aborted.v1") == 1


class TestApplication:
    async def test_partial_saves_tell_what_is_missing(self, call: Any) -> None:
        saved = await call.save({"family_name": "Öztürk", "belegart": "O"})
        assert {"field": "purpose", "code": "required"} in saved["errors"]
        assert saved["document"] is None
        assert saved["values"] == {"family_name": "Öztürk", "belegart": "O"}

    async def test_options_of_the_booking_are_filled_in(self, begin: Any) -> None:
        call = await begin(options={"belegart": "P"})
        (application,) = (await call.view())["applications"]
        assert application["values"] == {"belegart": "P", "scope": "national", "exemption": "none"}

    async def test_an_older_revision_does_not_overwrite(self, call: Any, world: Any) -> None:
        saved = await call.save({"family_name": "A"})
        path = f"/cases/{call.case_id}/applications/{saved['application_id']}"
        stale = {"values": {"family_name": "B"}, "revision": saved["revision"] - 1}
        refused = await world.client.put(path, json=stale, headers=call.clerk)
        assert (refused.status_code, refused.json()["code"]) == (409, "revision_conflict")
        assert refused.json()["revision"] == saved["revision"]

    async def test_a_repeated_save_is_answered_alike(self, call: Any, world: Any) -> None:
        saved = await call.save()
        path = f"/cases/{call.case_id}/applications/{saved['application_id']}"
        repeated = {"values": saved["values"], "revision": saved["revision"] - 1}
        assert (await world.client.put(path, json=repeated, headers=call.clerk)).json() == saved

    async def test_an_edit_voids_what_the_citizen_gave(self, call: Any, world: Any) -> None:
        saved = await call.save()
        await call.confirm(saved)
        await call.sign(saved)
        edited = await call.save({**saved["values"], "family_name": "Ozturk"})
        assert (edited["confirmed_at"], edited["signed_at"]) == (None, None)
        assert edited["document_hash"] != saved["document_hash"]
        assert await world.rows("SELECT 1 FROM signature s JOIN application a USING (application_id)"
                                " WHERE a.case_id = :id", id=call.case_id) == []  # fmt: skip
        stale = await call.confirm(saved)
        assert (stale.status_code, stale.json()["code"]) == (409, "document_changed")

    async def test_steps_cannot_be_skipped(self, call: Any) -> None:
        saved = await call.save()
        unsigned = await call.sign(saved)
        assert (unsigned.status_code, unsigned.json()["step"]) == (409, "confirmation")
        for path, step in (("payment-request", "identity"), ("completion", "identity")):
            refused = await call.act(path)
            assert (refused.status_code, refused.json()["step"]) == (409, step)
        await call.identify()
        assert (await call.act("completion")).json()["step"] == "confirmation"
        await call.confirm(saved)
        assert (await call.act("payment-request")).json()["step"] == "signature"
        await call.sign(saved)
        assert (await call.act("completion")).json()["step"] == "payment"

    @pytest.mark.parametrize(
        "changes",
        [
            {"strokes": []},
            {"strokes": [[[1.5, 2, 3, 4], [400, 2, 3, 4]]]},
            {"strokes": [[[1, 2, 3], [4, 5, 6]]]},
            {"strokes": [[[1, 2, 3, 4], [9000, 5, 6, 7]]]},
            {"document_hash": "b" * 64},
            {"svg_sha256": "b" * 64},
            {"extra": 1},
            {"schalter": "signature/2"},
        ],
    )
    async def test_what_is_no_signature_is_refused(self, call: Any, changes: dict[str, Any]) -> None:
        saved = await call.save()
        await call.confirm(saved)
        assert (await call.sign(saved, **changes)).status_code == 422

    async def test_the_clerk_sees_the_signature_arrive(self, call: Any, world: Any) -> None:
        saved = await call.save()
        path = f"/cases/{call.case_id}/applications/{saved['application_id']}/signature"
        assert (await world.client.get(path, headers=call.clerk)).status_code == 404
        await call.confirm(saved)
        await call.sign(saved)
        arrived = await call.get(path)
        assert (arrived["method"], arrived["pointer"], arrived["strokes"][0][0]) == ("drawn", "pen", [50, 50, 0, 400])

    @pytest.mark.parametrize("value", [1.5, ["x"], {"a": 1}, "nul\x00", "bell\x07", "x" * 2001])
    async def test_values_are_plain(self, call: Any, world: Any, value: Any) -> None:
        (application,) = (await call.view())["applications"]
        path = f"/cases/{call.case_id}/applications/{application['application_id']}"
        body = {"values": {"family_name": value}, "revision": application["revision"]}
        refused = await world.client.put(path, json=body, headers=call.clerk)
        assert refused.status_code == 422
        assert "values.family_name" in refused.json()["errors"][0]["field"]

    async def test_the_clerks_note_stays_with_the_clerk(self, call: Any) -> None:
        noted = await call.identify(note="speaks slowly, please be patient")
        assert noted.json()["identity_check"]["note"].startswith("speaks slowly")
        seen = await call.get("/citizen/case", call.citizen)
        assert seen["identity_check"] == "done"
        assert "patient" not in json.dumps(seen)
        assert not {"audit", "allowed_actions", "identity_check_note"} & set(seen)


class TestPapers:
    async def test_both_sides_read_the_same_paper(self, call: Any, world: Any) -> None:
        saved = await call.save()
        await call.confirm(saved)
        path = f"applications/{saved['application_id']}/document.pdf"
        mine = await world.client.get(f"/citizen/case/{path}", headers=call.citizen)
        theirs = await world.client.get(f"/cases/{call.case_id}/{path}", headers=call.clerk)
        assert mine.content == theirs.content
        assert mine.content.startswith(b"%PDF-")

    async def test_an_incomplete_application_has_none(self, call: Any, world: Any) -> None:
        (application,) = (await call.view())["applications"]
        path = f"/cases/{call.case_id}/applications/{application['application_id']}/document.pdf"
        assert (await world.client.get(path, headers=call.clerk)).json()["step"] == "application"

    async def test_the_receipt_waits_for_the_money(self, call: Any, world: Any) -> None:
        early = await world.client.get("/citizen/case/receipt.pdf", headers=call.citizen)
        assert (early.status_code, early.json()["step"]) == (409, "completion")
        await call.settle()
        await call.act("payment-request")
        await call.paid(PaymentAuthorised)
        await call.act("completion")
        pending = await world.client.get("/citizen/case/receipt.pdf", headers=call.citizen)
        assert (pending.status_code, pending.json()["code"], pending.headers["retry-after"]) == (409, "not_ready", "2")

    async def test_the_package_is_whole_and_sound(self, begin: Any, world: Any) -> None:
        call = await begin(services=["anmeldung"])
        path = f"/cases/{call.case_id}/package.zip"
        assert (await world.client.get(path, headers=call.clerk)).status_code == 409
        await call.settle()
        await call.act("completion")
        packed = (await world.client.get(path, headers=call.clerk)).content
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            case = json.loads(archive.read("case.json"))
            names = set(archive.namelist())
        reference = call.booked.reference
        assert names == {"case.json", f"{reference}-1-anmeldung.pdf", f"{reference}-receipt.pdf"}
        assert case["audit_sound"] is True
        assert case["applications"][0]["signature"]["document_hash"] == case["applications"][0]["document_hash"]
        assert packed == (await world.client.get(path, headers=call.clerk)).content


class TestAgenda:
    async def test_a_day_of_the_office(self, call: Any, world: Any) -> None:
        agenda = await call.get("/agenda")
        (line,) = [line for line in agenda["cases"] if line["case_id"] == str(call.case_id)]
        assert (agenda["date"], agenda["time_zone"]) == ("2026-11-24", "Europe/Berlin")
        assert (line["citizen_name"], line["state"], line["mail"]) == ("Ayşe Öztürk", "in_progress", "pending")
        assert line["clerk"]["name"] == "Karl Amt"
        assert line["services"][0]["name"]["de"] == "Führungszeugnis"
        other_day = await call.get("/agenda?date=2026-11-25")
        assert str(call.case_id) not in json.dumps(other_day)

    async def test_the_day_is_the_offices_not_utcs(self, begin: Any, world: Any) -> None:
        late = world.clock().replace(hour=23, minute=30)
        call = await begin(starts_at=late, ends_at=late.replace(minute=45))
        assert str(call.case_id) in json.dumps(await call.get("/agenda?date=2026-11-25"))


def _routes(world: Any) -> list[tuple[str, str]]:
    paths = world.app.openapi()["paths"]
    return [
        (method.upper(), path.removeprefix("/api/casework"))
        for path, operations in paths.items()
        for method in operations
        if "/session" not in path
    ]


BODIES: dict[str, Any] = {
    "stage": {"stage": "talk"},
    "identity-check": {
        "document_type": "passport",
        "checks": dict.fromkeys(("photo_matches", "security_features", "not_expired", "data_matches"), True),
        "outcome": "verified",
    },
    "abortion": {"reason": "technical"},
    "confirmation": {"document_hash": "a" * 64},
    "signature": {
        "document_hash": "a" * 64,
        "svg": "",
        "method": "typed",
        "signature": {
            "schalter": "signature/1",
            "document_hash": "a" * 64,
            "width": 0,
            "height": 0,
            "pointer": "keyboard",
            "strokes": [],
            "text": "Ayşe Öztürk",
        },
    },
}


class TestWhoMayDoWhat:
    """Every route, as the OpenAPI document lists them, for everybody."""

    async def ask(self, call: Any, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        filled = path.replace("{case_id}", str(call.case_id)).replace("{application_id}", call.first_application)
        body = {"values": {}, "revision": 1} if method == "PUT" else BODIES.get(path.rsplit("/", 1)[1])
        answer: httpx.Response = await call.world.client.request(method, filled, json=body, headers=headers)
        return answer

    async def test_nobody_gets_nothing(self, call: Any, world: Any) -> None:
        routes = _routes(world)
        assert len(routes) == 18
        for method, path in routes:
            for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic eDp5"}):
                assert (await self.ask(call, method, path, headers)).status_code == 401, path

    async def test_another_offices_clerk_finds_no_case(self, call: Any, world: Any) -> None:
        stranger = await world.clerk("demo", role="admin")
        for method, path in _routes(world):
            answer = await self.ask(call, method, path, stranger)
            if "{case_id}" in path:
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
            elif path == "/agenda":
                assert answer.json()["cases"] == []
            elif path == "/clerks":
                own = (await world.client.get("/clerks", headers=call.clerk)).json()["clerks"]
                assert not {one["clerk_id"] for one in own} & {one["clerk_id"] for one in answer.json()["clerks"]}
            else:
                assert answer.status_code == 401, path

    async def test_another_citizen_finds_no_case(self, call: Any, world: Any) -> None:
        other, _ = await world.open()
        wrong_office = world.citizen(call.booked, office="demo")
        for method, path in _routes(world):
            if not path.startswith("/citizen"):
                for headers in (call.citizen, wrong_office):
                    assert (await self.ask(call, method, path, headers)).status_code == 401, path
                continue
            assert (await self.ask(call, method, path, wrong_office)).status_code == 404, path
            if "{application_id}" in path:
                assert (await self.ask(call, method, path, world.citizen(other))).status_code == 404, path
            assert (await self.ask(call, method, path, call.clerk)).status_code == 401, path

    @pytest.mark.parametrize(("generation", "status", "code"), [(0, 410, "link_expired"), (2, 404, "not_found")])
    async def test_an_older_link_is_gone_and_one_ahead_of_its_event_finds_no_case_yet(
        self, call: Any, world: Any, generation: int, status: int, code: str
    ) -> None:
        for method, path in _routes(world):
            if path.startswith("/citizen"):
                answer = await self.ask(call, method, path, world.citizen(call.booked, generation=generation))
                assert (answer.status_code, answer.json()["code"]) == (status, code), path

    async def test_a_colleague_reads_but_does_not_act(self, call: Any, world: Any) -> None:
        colleague = await world.clerk()
        for method, path in _routes(world):
            if "{case_id}" not in path:
                continue
            answer = await self.ask(call, method, path, colleague)
            if method == "GET":
                assert answer.status_code in (200, 409) or path.endswith("/signature"), path
            else:
                assert answer.json()["code"] in ("not_assigned", "case_taken"), path
        lead = await world.clerk(role="lead")
        assert (await self.ask(call, "POST", "/cases/{case_id}/assignment", lead)).status_code == 200

    async def test_unknown_ids_and_fields(self, call: Any, world: Any) -> None:
        assert (await world.client.get(f"/cases/{uuid4()}", headers=call.clerk)).status_code == 404
        unknown = await call.act("stage", {"stage": "talk", "shoe": 1})
        assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "shoe")
        assert (await call.act("stage", {"stage": "party"})).status_code == 422


async def test_problems_are_problem_documents(call: Any, world: Any) -> None:
    refused = await call.act("completion")
    assert refused.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "code", "correlation_id", "step"} <= set(refused.json())
    assert re.fullmatch(r"urn:schalter:problem:step_missing", refused.json()["type"])
