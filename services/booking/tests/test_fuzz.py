"""Whatever is sent to whichever route: no failure, every refusal a problem document that leaves nothing behind (S5).

schemathesis makes requests out of the OpenAPI document, valid and broken ones; some of their values are replaced by
real ones, or nothing would get past the first look. SCHALTER_FUZZ_EXAMPLES=100 looks longer.
"""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chassis.database import Database
from chassis.tokens import TokenSigner
from contracts.actors import Addressee, LinkHolder, Listed, Offeree, WalkIn

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLES = int(os.environ.get("SCHALTER_FUZZ_EXAMPLES", "4"))
CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]
SECONDS = 10**9

#: What tells whether a refused request has left something behind.
STATE = """
    SELECT (SELECT count(*) FROM outbox) AS events, (SELECT count(*) FROM idempotent_answers) AS answers,
           (SELECT count(*) FROM blocked_time) AS blocked, (SELECT sum(version) FROM timetable) AS versions,
           (SELECT md5(string_agg(CAST(row AS text), '' ORDER BY id)) FROM appointment AS row) AS appointments,
           (SELECT count(*) FROM waiting_entry) AS waiting, (SELECT count(*) FROM walk_in) AS walk_ins
"""

INSTANTS = st.sampled_from(
    ["2026-06-01T07:00:00Z", "2026-06-02T06:00:00Z", "2026-06-02T06:05:00+00:00", "2026-06-03T14:30:00+02:00"]
)
#: Real values by the name of the field, in bodies and queries.
REAL: Mapping[str, st.SearchStrategy[Any]] = {
    "service_id": st.sampled_from(["anmeldung", "fuehrungszeugnis", "personalausweis"]),
    "services": st.lists(st.sampled_from(["anmeldung", "personalausweis:3"]), min_size=1, max_size=2),
    "skills": st.none() | st.lists(st.sampled_from(["anmeldung", "reisepass"]), max_size=2),
    "options": st.just({}),
    "starts_at": INSTANTS,
    "ends_at": st.just("2026-06-03T15:00:00Z"),
    "email": st.just("erika@example.org"),
    "phone": st.sampled_from([None, "06221 58-0", "+1 202 555 0143"]),
    "time_zone": st.sampled_from([None, "Asia/Kathmandu"]),
    "lane": st.integers(0, 4),
    "version": st.integers(0, 3),
    "day": st.sampled_from(["2026-06-02", "2026-10-25", "1971-01-01", "8999-12-31"]),
    "opens": st.sampled_from(["08:00", "09:30"]),
    "closes": st.sampled_from(["12:00", "24:00"]),
    "valid_from": st.none(),
    "valid_until": st.none(),
    "hold_id": st.none(),
    "clerk_id": st.none(),
    "from": st.just("2026-06-02T00:00:00Z"),
    "to": st.sampled_from(["2026-06-02T12:00:00Z", "2026-06-09T00:00:00Z"]),
}
QUERY: Mapping[str, st.SearchStrategy[Any]] = {
    **REAL,
    "from": st.just("2026-06-02"),
    "to": st.sampled_from(["2026-06-02", "2026-06-30"]),
}


def with_real_values(value: Any, draw: Callable[..., Any], real: Mapping[str, st.SearchStrategy[Any]]) -> Any:
    """`value` with `real` values for the fields of these names, at any depth."""
    if isinstance(value, list):
        return [with_real_values(each, draw, real) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: draw(real[key])
        if key in real and not (key == "services" and any(isinstance(each, dict) for each in each_of(inner)))
        else with_real_values(inner, draw, real)
        for key, inner in value.items()
    }


def each_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@pytest.fixture
def tokens(
    client: httpx.AsyncClient, book: Any, clerk_token: Any, keys: Any, clock: Any
) -> dict[str, Callable[[], Awaitable[str]]]:
    """By security scheme: a coroutine that gives a valid token."""

    def signed(actor: type[LinkHolder]) -> str:
        signer = TokenSigner(keys.link.private, issuer=actor.ISSUER, audience=actor.AUDIENCE)
        claims = {"sub": str(uuid4()), "office": "demo", "gen": 0}
        return signer.sign(claims, now=clock.now, expires_at=clock.now + timedelta(days=1))

    alive = ""
    minutes = itertools.count(0, 5)

    async def citizen() -> str:
        nonlocal alive
        if (await client.get("/appointment", headers={"Authorization": f"Bearer {alive}"})).status_code != 200:
            # In another office than the clerk's, whose timetable may be anything by now.
            at = clock.now + timedelta(days=1, minutes=next(minutes))
            answer = await book("clerks-5", starts_at=at.isoformat())
            alive = answer.json()["link"].split("#")[1]
        return alive

    async def clerk() -> str:
        return str(clerk_token("demo", role="lead", ttl=SECONDS))

    async def reservation() -> str:
        at = clock.now + timedelta(days=1, minutes=next(minutes))
        answer = await book("careful", starts_at=at.isoformat())
        return str(answer.json()["link"].split("#")[1])

    async def confirmation() -> str:
        return signed(Addressee)

    async def offer() -> str:
        return signed(Offeree)

    async def waiting() -> str:
        return signed(Listed)

    async def walk_in() -> str:
        return signed(WalkIn)

    return {
        "citizen": citizen,
        "clerk": clerk,
        "reservation": reservation,
        "confirmation": confirmation,
        "offer": offer,
        "waiting": waiting,
        "walk_in": walk_in,
    }


def operations(app: FastAPI) -> list[Any]:
    """All routes; the one that may close the office comes last."""
    schema = schemathesis.openapi.from_dict(app.openapi())
    found = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    return sorted(found, key=lambda operation: operation.label.startswith("PUT"))


async def test_nothing_makes_it_fail_and_no_refusal_leaves_anything_behind(
    app: FastAPI, client: httpx.AsyncClient, database: Database, tokens: Any, book: Any
) -> None:
    loop = asyncio.get_running_loop()
    booked = (await book("demo")).json()["appointment_id"]
    known = {"office": "demo", "appointment_id": booked}
    seen: dict[int, int] = {}

    async def state() -> Any:
        async with database.autocommit() as tx:
            return await tx.row(STATE)

    async def send(operation: Any, case: Any, request: dict[str, Any]) -> None:
        schemes = [scheme for required in operation.definition.raw.get("security", []) for scheme in required]
        if schemes:
            request["headers"]["Authorization"] = f"Bearer {await tokens[schemes[0]]()}"
        before = await state()
        try:
            answer = await client.request(**request)
        except (UnicodeEncodeError, httpx.InvalidURL, httpx.LocalProtocolError):
            return  # no client could send this
        seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
        told = f"{operation.label} {request} -> {answer.status_code} {answer.text[:500]}"
        assert answer.status_code < 500, told
        case.validate_response(answer, checks=CHECKS)
        if answer.status_code >= 400:
            problem = answer.json()
            assert answer.headers["content-type"] == "application/problem+json", told
            assert problem["status"] == answer.status_code, told
            assert problem["type"] == f"urn:schalter:problem:{problem['code']}", told
            assert answer.status_code != 422 or problem.get("errors") or problem["code"] == "idempotency_mismatch", told
            assert await state() == before, told

    def examples(operation: Any, mode: GenerationMode) -> None:
        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode), st.data())
        def one(case: Any, data: st.DataObject) -> None:
            sensible = data.draw(st.sampled_from([False, True, True]))
            if sensible:
                given_names = case.path_parameters or {}
                case.path_parameters = {name: known.get(name, value) for name, value in given_names.items()}
                case.body = with_real_values(case.body, data.draw, REAL)
                case.query = with_real_values(dict(case.query or {}), data.draw, QUERY)
            request = case.as_transport_kwargs(base_url="http://test")
            request.pop("cookies", None)
            request["headers"] = dict(request["headers"]) | ({"Idempotency-Key": str(uuid4())} if sensible else {})
            if "data" in request:
                request["content"] = request.pop("data")
            future = asyncio.run_coroutine_threadsafe(send(operation, case, request), loop)
            future.result(60)

        try:
            one()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, f"{operation.label}: nothing can be asked"

    for operation in operations(app):
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            await asyncio.to_thread(examples, operation, mode)
    assert {200, 201, 404, 422} <= seen.keys(), seen
