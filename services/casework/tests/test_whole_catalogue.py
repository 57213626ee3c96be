"""Every service of the catalogue can be carried through a call: what it needs is asked for, and nothing else."""

from typing import Any

import pytest
from filled_forms import FILLED

from contracts.catalogue import load_catalogue
from contracts.payment import PaymentAuthorised


@pytest.mark.parametrize("service_id", load_catalogue())
async def test_from_the_booking_to_the_end(begin: Any, world: Any, service_id: str) -> None:
    call = await begin(office="demo", services=[service_id])
    service = world.directory.offered("demo", service_id)
    if service.needs_identity:
        assert (await call.act("completion")).json()["code"] == "step_missing"
        assert (await call.identify()).status_code == 200
    saved = await call.save(FILLED[service_id])
    assert saved["errors"] == []
    assert (await call.confirm(saved)).status_code == 200
    if service.needs_signature:
        assert (await call.sign(saved)).status_code == 200
    rule = service.fee(FILLED[service_id], on=world.clock().date())
    assert (await call.view())["payment"]["amount_cents"] == (rule.amount_cents if rule else 0)
    if rule and rule.amount_cents:
        assert (await call.act("payment-request")).status_code == 200
        await call.paid(PaymentAuthorised)
    assert (await call.act("completion")).status_code == 200
