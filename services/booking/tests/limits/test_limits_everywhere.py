"""One gate: whatever a citizen changes passes it, and every route says in OpenAPI what it may ask for."""

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from booking.limits import http

pytestmark = pytest.mark.asyncio(loop_scope="module")

PREFIX = "/api/booking"
#: Why these need no gate.
FREE = {
    "/offices/{office}/holds/{hold_id}/extension": "a hold that was counted lives for twenty minutes, however often",
    "/walk-in/presence": "whoever is silent for a minute is gone: it is asked for every ten seconds",
}


def calls(dependant: Dependant) -> set[object]:
    return {dependant.call} | {call for inner in dependant.dependencies for call in calls(inner)}


def citizens_changes(app: FastAPI) -> list[tuple[str, str, APIRoute]]:
    found = [(each.path or "", each.route) for each in iter_route_contexts(app.routes)]
    return [
        (path, method.lower(), route)
        for path, route in found
        if isinstance(route, APIRoute) and not path.startswith(f"{PREFIX}/office/")
        for method in (route.methods or set()) - {"GET", "HEAD"}
        if path.removeprefix(PREFIX) not in FREE
    ]


async def test_every_change_of_a_citizen_passes_the_gate(app: FastAPI) -> None:
    changes = citizens_changes(app)
    assert len(changes) >= 15
    assert [path for path, _, route in changes if http._visitor not in calls(route.dependant)] == []


async def test_openapi_tells_of_the_header_and_the_two_refusals(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    for path, method, _ in citizens_changes(app):
        if path.endswith("/holds/{hold_id}"):
            continue  # giving back asks for nothing
        operation = paths[path][method]
        assert "Proof-Of-Work" in [parameter["name"] for parameter in operation["parameters"]], path
        assert "challenge" in str(operation["responses"]["429"]), path
