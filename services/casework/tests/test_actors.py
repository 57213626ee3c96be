"""Every route about a case, read from the application, asked by those whom the case is none of their business."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
from routes import Route, body_of, routes

#: A schema does not say what a good signature is.
SIGNATURE: dict[str, Any] = {
    "document_hash": "0" * 64,
    "signature": {
        "schalter": "signature/1",
        "document_hash": "0" * 64,
        "width": 800,
        "height": 300,
        "pointer": "pen",
        "strokes": [[[50, 50, 0, 400], [400, 200, 20, 600], [700, 80, 45, 500]]],
    },
    "svg": "",
    "method": "drawn",
}


async def ask(call: Any, route: Route, headers: Mapping[str, str]) -> httpx.Response:
    """The route, about this case and its application, with the smallest body that is one."""
    path = route.path.format(case_id=call.case_id, application_id=call.first_application)
    world = call.world
    body = SIGNATURE if route.path.endswith("citizen/case/applications/{application_id}/signature") else None
    body = body or body_of(world.app, route)
    answer: httpx.Response = await world.client.request(
        route.method, f"http://localhost:8080{path}", headers={"Idempotency-Key": uuid4().hex, **headers}, json=body
    )
    return answer


async def test_of_another_offices_cases_there_are_none(call: Any, world: Any) -> None:
    """The ids are right, the rank is the highest; yet another office's case does not exist, and nothing changes."""
    stranger = await world.clerk("demo", role="admin")
    before = await _everything(call)
    asked = [route for route in routes(world.app) if "{case_id}" in route.path]
    assert len(asked) >= 11
    for route in asked:
        answer = await ask(call, route, stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), str(route)
    assert await _everything(call) == before
    assert (await call.view())["case_id"] == str(call.case_id), "whose case it is finds it"


@pytest.mark.parametrize(
    ("who", "status"), [("another office", 404), ("another appointment", 404), ("an older link", 410)]
)
async def test_a_link_opens_its_own_case_and_no_other(call: Any, world: Any, who: str, status: int) -> None:
    stranger = {
        "another office": world.citizen(call.booked, office="demo"),
        "another appointment": world.citizen(call.booked.model_copy(update={"appointment_id": uuid4()})),
        "an older link": world.citizen(call.booked, generation=0),
    }[who]
    before = await _everything(call)
    asked = [route for route in routes(world.app) if "citizen" in route.actors]
    assert len(asked) >= 5
    for route in asked:
        assert (await ask(call, route, stranger)).status_code == status, str(route)
    assert await _everything(call) == before


async def test_an_agenda_and_the_colleagues_are_ones_own_offices(call: Any, world: Any) -> None:
    stranger = await world.clerk("demo", name="Fremd")
    await world.clerk(call.booked.office, name="Nur Hier")
    for path in ("/agenda", "/clerks"):
        own = await world.client.get(path, headers=call.clerk)
        other = await world.client.get(path, headers=stranger)
        assert own.status_code == other.status_code == 200
        assert own.text != other.text
        assert "Nur Hier" not in other.text
        assert call.booked.reference not in other.text


async def _everything(call: Any) -> list[Any]:
    case = {"id": call.case_id}
    return [
        await call.world.rows("SELECT * FROM ours.case_file WHERE case_id = :id", **case),
        await call.world.rows("SELECT * FROM application WHERE case_id = :id ORDER BY position", **case),
        await call.world.rows("SELECT * FROM audit_entry WHERE case_id = :id ORDER BY number", **case),
        await call.world.rows("SELECT * FROM identity_check WHERE case_id = :id", **case),
    ]
