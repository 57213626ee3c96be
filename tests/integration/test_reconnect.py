"""What a call survives: a reload, and the death of the service that brought the two together."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx
import pytest
from browser import Browsers, until
from meeting import Desk, Phone, code, compare_codes, frames_go_on, meet
from people import Citizen, Clerk
from playwright.async_api import expect
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from stored import Stored
from system import System

pytestmark = pytest.mark.journey


async def test_a_reload_and_a_dead_signaling_service_do_not_end_the_call(system: System, films: Path) -> None:
    citizen = await asyncio.to_thread(Citizen.books, system)
    case_id = (await asyncio.to_thread(Clerk(system).finds, citizen))["case_id"]
    stored = Stored(system, citizen.appointment_id)
    async with Browsers(system.url, films) as browsers:
        phone, desk = Phone(await browsers.open("phone"), system), Desk(await browsers.open("desk"), system)
        before = await asyncio.to_thread(_paths_told, system)
        first = await meet(phone, desk, citizen, case_id)
        await until(lambda: asyncio.to_thread(_both_told, system, before), what="both browsers have told their path")
        await _dead_signaling(system, phone, desk)
        await _reload(phone, desk, first)
        await _hang_up(phone, desk, stored)


def _both_told(system: System, before: Counter[str]) -> bool:
    """Both browsers say over which kind of path they are connected, and how long it took, once and with no address."""
    return _paths_told(system) - before == Counter(citizen=1, clerk=1, joins=2)


def _paths_told(system: System) -> Counter[str]:
    """How many paths each side has told so far, all of them direct here, and how many join times."""
    text = httpx.get(f"http://127.0.0.1:{system.state['ports']['signaling']}/metrics").text
    told: Counter[str] = Counter()
    for sample in _samples(text, "schalter_signaling_paths_total"):
        told[sample.labels["role"]] += int(sample.value) if sample.labels["path"] in ("host", "srflx") else 0
    told["joins"] = sum(int(one.value) for one in _samples(text, "schalter_signaling_join_seconds_count"))
    return told


def _samples(text: str, name: str) -> list[Sample]:
    return [each for told in text_string_to_metric_families(text) for each in told.samples if each.name == name]


async def _dead_signaling(system: System, phone: Phone, desk: Desk) -> None:
    """kill -9: picture and sound go on without it, and both come back to the same room by themselves."""
    connections = "() => window.connections.length"
    before = [await window.page.evaluate(connections) for window in (phone.window, desk.window)]
    sockets = [window.page.expect_websocket() for window in (phone.window, desk.window)]
    async with sockets[0], sockets[1]:
        dead = await asyncio.to_thread(system.kill, "signaling")
        await frames_go_on(phone.window, desk.window)
        await asyncio.to_thread(system.wait_back, "signaling", dead)
        await frames_go_on(phone.window, desk.window)
    await frames_go_on(phone.window, desk.window)
    # The stage reaches the phone again: signaling pushes it. And the connection is still the first one.
    await desk.does_next()
    await expect(phone.at("stage")).to_have_attribute("data-stage", "identity")
    assert [await window.page.evaluate(connections) for window in (phone.window, desk.window)] == before


async def _reload(phone: Phone, desk: Desk, first: str) -> None:
    """The citizen reloads and needs no clerk to come in again. A new page is a new certificate, so a new code."""
    phone.window.page.once("dialog", lambda dialog: dialog.accept())
    await phone.window.page.reload()
    await phone.window.click("enter-waiting-room")
    await phone.sees_clerk()
    await desk.sees_citizen()
    await expect(desk.at("verification-code")).to_be_visible()
    assert await code(desk.window) != first
    await compare_codes(phone, desk)
    await expect(phone.at("stage")).to_have_attribute("data-stage", "identity")


async def _hang_up(phone: Phone, desk: Desk, stored: Stored) -> None:
    await phone.window.click("hang-up")
    await phone.window.click("hang-up-confirm")
    await expect(phone.at("call-ended")).to_have_attribute("data-reason", "left")
    await expect(desk.at("call-view")).to_have_attribute("data-connection", "none")

    async def over() -> bool:
        calls = await asyncio.to_thread(stored.rows, "signaling", "calls")
        return all(call["ended_at"] is not None for call in calls)

    await until(over, what="the call is over")
    assert stored.case["state"] == "in_progress"
