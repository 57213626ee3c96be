"""A mail that another server gave back after the 250 stands at the desk as one that did not arrive."""

import httpx
import pytest
from people import Citizen, Clerk, ok
from system import System, eventually

pytestmark = pytest.mark.journey


def test_the_clerk_sees_a_mail_that_came_back_and_sends_it_again(system: System) -> None:
    faults = f"http://127.0.0.1:{system.state['ports']['mail']}/mail/api/faults"
    clerk = Clerk(system)
    ok(httpx.put(faults, json={"bounce": 1.0}))
    try:
        citizen = Citizen.books(system)
        eventually(lambda: clerk.finds(citizen)["mail"] == "failed", what="the desk hears that the mail came back")
    finally:
        ok(httpx.put(faults, json={}))
    path = f"{system.url}/api/notify/appointments/{citizen.appointment_id}/messages"
    signed_in = {"Authorization": clerk.http.headers["Authorization"]}
    (message,) = ok(httpx.get(path, headers=signed_in))["messages"]
    assert (message["kind"], message["state"], message["trouble"]) == ("confirmation", "failed", "invalid_address")
    again = httpx.post(
        f"{path}/{message['message_id']}/resend",
        json={},
        headers={**signed_in, "Idempotency-Key": message["message_id"]},
    )
    assert again.status_code == 202
    assert citizen.mail("Videotermin")
    eventually(lambda: clerk.finds(citizen)["mail"] == "delivered", what="the desk hears that it arrived")
