"""Every route of the payer, read from the application, asked by those whom the payment is none of their business.

Who shows no link at all, or one that is none, is met in tests/architecture/test_routes.py.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from routes import Route, body_of, routes


async def ask(service: Any, route: Route, token: str) -> httpx.Response:
    answer: httpx.Response = await service.http.request(
        route.method,
        route.path,
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex},
        json=body_of(service.app, route),
    )
    return answer


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        ("the same appointment of another office", 404, "order_not_found"),
        ("another appointment", 404, "order_not_found"),
        ("an older link", 410, "link_expired"),
    ],
)
async def test_a_link_comes_near_its_own_payment_and_no_other(
    service: Any,
    simulator: Any,
    case: Any,
    citizen_token: Callable[..., str],
    begun: bool,
    who: str,
    status: int,
    code: str,
) -> None:
    """Whether the payer has approved already, or has not begun: nothing is created, reserved or told."""
    if begun:
        await service.desk.pending(simulator, case)
    else:
        await service.desk.hear(case.requested())
    await service.desk.hear(case.moved(2))
    stranger = {
        "the same appointment of another office": citizen_token(case.appointment_id, "demo", gen=2),
        "another appointment": citizen_token(uuid4(), case.office, gen=2),
        "an older link": citizen_token(case.appointment_id, case.office, gen=1),
    }[who]
    before = await service.desk.rows("SELECT * FROM ours.payment_order ORDER BY id"), simulator.state()["orders"]
    asked = [route for route in routes(service.app) if route.actors]
    assert len(asked) >= 3
    for route in asked:
        assert route.actors == {"citizen"}
        answer = await ask(service, route, stranger)
        assert (answer.status_code, answer.json()["code"]) == (status, code), str(route)
    after = await service.desk.rows("SELECT * FROM ours.payment_order ORDER BY id"), simulator.state()["orders"]
    assert after == before
    assert await service.desk.told(case) == []
    for route in asked:
        own = await ask(service, route, citizen_token(case.appointment_id, case.office, gen=2))
        assert own.status_code not in (401, 404, 410), str(route)
