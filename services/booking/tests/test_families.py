"""Several services and several persons in one appointment: how long it takes, and what cannot be had so."""

from typing import Any

import httpx
import pytest

from contracts.booking import BookingCompleted

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def minutes(client: httpx.AsyncClient, *services: str) -> int:
    query = {"services": list(services), "from": "2026-06-02"}
    answer = await client.get("/offices/demo/slots", params=query)
    assert answer.status_code == 200, answer.text
    found: int = answer.json()["minutes"]
    return found


async def test_the_office_says_what_a_further_person_adds(client: httpx.AsyncClient) -> None:
    offered = {service["id"]: service for service in (await client.get("/offices/demo")).json()["services"]}
    single = offered["personalausweis"]
    assert await minutes(client, "personalausweis") == single["minutes"]
    assert await minutes(client, "personalausweis:3") == (single["minutes"] + 2 * single["minutes_per_further_person"])


async def test_greeting_and_identity_are_needed_once(client: httpx.AsyncClient) -> None:
    both = await minutes(client, "personalausweis", "anmeldung")
    assert both < await minutes(client, "personalausweis") + await minutes(client, "anmeldung")
    assert both == await minutes(client, "anmeldung", "personalausweis")


async def test_what_is_booked_for_a_family_is_published_for_a_family(book: Any, stored: Any) -> None:
    booked = await book("demo", services=[{"service_id": "personalausweis", "persons": 2}])
    assert booked.status_code == 201, booked.text
    event = BookingCompleted.model_validate_json((await stored("outbox"))[0]["body"])
    assert event.services[0].persons == 2


@pytest.mark.parametrize(
    ("service", "code", "field"),
    [
        ({"service_id": "beratung", "persons": 2}, "one_person_only", "services.0.persons"),
        ({"service_id": "personalausweis", "persons": 0}, "invalid_request", "services.0.persons"),
        ({"service_id": "personalausweis", "persons": 13}, "invalid_request", "services.0.persons"),
    ],
)
async def test_a_family_that_cannot_be_is_refused_by_name(
    book: Any, stored: Any, service: dict[str, object], code: str, field: str
) -> None:
    refused = await book("demo", services=[service])
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert refused.json()["errors"][0]["field"] == field
    assert await stored("appointment") == []
