"""The fee that is charged is the one that the office has set, and that its citizens read when they booked."""

from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import load_catalogue
from contracts.payment import PaymentAuthorised

OWN_FEES = """
[[services.fees]]
text = { de = "Führungszeugnis in Heidelberg", en = "Certificate in Heidelberg" }
amount_cents = 1450
valid_from = 2026-01-01
source = "made up for this test"
"""


@pytest.fixture(scope="module")
def offices_dir(offices_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped offices, but Heidelberg has a fee of its own, and the demo office has the catalogue's."""
    changed = tmp_path_factory.mktemp("offices")
    for path in offices_dir.glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        entry = 'id = "fuehrungszeugnis"\n'
        assert entry in text
        own = entry + OWN_FEES if path.stem == "heidelberg" else entry
        (changed / path.name).write_text(text.replace(entry, own), encoding="utf-8")
    return changed


@pytest.mark.parametrize(("office", "cents"), [("heidelberg", 1450), ("demo", 1300)])
async def test_an_application_costs_what_its_office_asks(begin: Any, world: Any, office: str, cents: int) -> None:
    call = await begin(office=office)
    await call.settle()
    assert (await call.view())["payment"]["amount_cents"] == cents
    requested = await call.act("payment-request")
    assert requested.status_code == 200
    await call.paid(PaymentAuthorised)
    assert (await call.act("completion")).status_code == 200


async def test_the_fee_is_the_offices_before_anybody_has_typed(world: Any) -> None:
    _, case_id = await world.open(services=["fuehrungszeugnis"])
    (application,) = await world.rows("SELECT fee_cents FROM application WHERE case_id = :id", id=case_id)
    assert application["fee_cents"] == 1450


async def test_a_service_that_an_office_has_dropped_costs_what_the_catalogue_says(world: Any) -> None:
    service = world.directory.offered("closed-long-ago", "fuehrungszeugnis")
    assert service == load_catalogue()["fuehrungszeugnis"]
