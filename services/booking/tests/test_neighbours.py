"""One installation, many offices: whatever one of them does takes no time of another's.

The twin office mirrors ours, and so cannot show it: what is taken there is taken here as well.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOT, LATER = "2026-06-02T06:00:00Z", "2026-06-02T07:00:00Z"
#: Two offices with the same hours: the lanes of the smaller one are among those of the larger.
LARGER, OURS, SERVICE = "clerks-2", "clerks-1", "fuehrungszeugnis"


@pytest.fixture
def full(client: httpx.AsyncClient, book: Any, signed_in: Any, edit_timetable: Any) -> Callable[..., Awaitable[None]]:
    """`await full(how)`: nothing is free in the larger office at SLOT any more."""

    async def fill(how: str) -> None:
        if how == "edited":
            for hours in ([], [{"weekday": "tue", "opens": "15:00", "closes": "16:00"}]):
                assert (await edit_timetable(LARGER, opening_hours=hours)).status_code == 200
            return
        for lane in range(2):
            if how == "blocked":
                time = {"lane": lane, "starts_at": SLOT, "ends_at": LATER, "reason": "sick"}
                answer = await client.post("/office/blocked-times", json=time, headers=signed_in("lead", LARGER))
            elif how == "held":
                wish = {"services": [SERVICE], "starts_at": SLOT}
                answer = await client.post(f"/offices/{LARGER}/holds", json=wish)
            else:
                answer = await book(LARGER, email=f"erika{lane}@example.org")
            assert answer.is_success, answer.text

    return fill


@pytest.mark.parametrize("how", ["booked", "blocked", "held", "edited"])
async def test_what_is_taken_in_another_office_is_free_in_ours(
    client: httpx.AsyncClient, book: Any, full: Any, how: str
) -> None:
    async def free(office: str) -> list[str]:
        answer = await client.get(
            f"/offices/{office}/slots", params={"services": SERVICE, "from": SLOT[:10], "days": 1}
        )
        return [slot["starts_at"] for slot in answer.json()["slots"]]

    assert SLOT in await free(LARGER)
    before = await free(OURS)
    await full(how)
    assert SLOT not in await free(LARGER)
    assert await free(OURS) == before
    assert (await book(OURS)).status_code == 201
