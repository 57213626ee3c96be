"""A signaling server that cheats never gets two equal codes while picture and sound flow.

Real browsers with the real client; only the signaling between the citizen's browser and the service is tampered with.
The protocol's other corners (out of order, repeated, malformed) are covered by the client's own tests.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aioice.ice
import pytest
from attacker import Cunning, FingerprintSwapper, ManInTheMiddle
from browser import Browsers, Window, until
from meeting import Desk, Phone, code
from people import Citizen, Clerk
from playwright.async_api import expect
from system import System

pytestmark = pytest.mark.journey


@asynccontextmanager
async def _attacked(
    system: System, films: Path, citizen: Citizen, attacker: FingerprintSwapper | ManInTheMiddle
) -> AsyncIterator[tuple[Phone, Desk]]:
    """The two, let in, with the attacker before the citizen's browser."""
    case_id = (await asyncio.to_thread(Clerk(system).finds, citizen))["case_id"]
    async with Browsers(system.url, films) as browsers:
        phone, desk = Phone(await browsers.open("phone"), system), Desk(await browsers.open("desk"), system)
        await attacker.stand_before(phone.window)
        await desk.signs_in()
        await phone.enters(citizen)
        await desk.lets_in(case_id)
        yield phone, desk


async def _stays_dark(window: Window) -> dict[str, int]:
    """No picture, no code, no packet of picture or sound has ever left, and the connection is closed.

    Returns what was counted: an attacker can send until the refusal, and from then on nothing of it is taken in.
    """
    await expect(window.at("verification-code")).to_have_count(0)
    assert await window.at("remote-video").evaluate("video => video.srcObject") is None
    await _closed(window)
    counted = await window.packets()
    assert counted["sent"] == 0
    return counted


async def _closed(window: Window) -> None:
    async def closed() -> bool:
        return set(await window.page.evaluate("() => window.connections.map(one => one.connectionState)")) == {"closed"}

    await until(closed, seconds=5, what=f"{window.device}: the connection is closed")


async def _goes_dark(window: Window) -> None:
    """This person says that the codes differ: the picture goes, and their own is not sent any more."""
    await window.click("code-different")
    await window.click("code-reject-confirm")
    await expect(window.at("verification-failed")).to_be_visible()
    await window.photograph("27-not-secure")
    await _closed(window)
    assert await window.at("remote-video").evaluate("video => video.srcObject") is None


async def test_whoever_refuses_the_code_tells_the_other(system: System, films: Path) -> None:
    citizen = await asyncio.to_thread(Citizen.books, system)
    case_id = (await asyncio.to_thread(Clerk(system).finds, citizen))["case_id"]
    async with Browsers(system.url, films) as browsers:
        phone, desk = Phone(await browsers.open("phone"), system), Desk(await browsers.open("desk"), system)
        await desk.signs_in()
        await phone.enters(citizen)
        await desk.lets_in(case_id)
        await expect(desk.at("verification-code")).to_be_visible()
        await _goes_dark(phone.window)
        # Not "interrupted, it repairs itself": it will not.
        await expect(desk.at("verification-failed")).to_contain_text("Die andere Seite hat das Gespräch abgebrochen")
        assert phone.window.troubles + desk.window.troubles == []


async def test_swapped_fingerprints_make_no_connection(system: System, films: Path) -> None:
    citizen, attacker = await asyncio.to_thread(Citizen.books, system), FingerprintSwapper()
    async with _attacked(system, films, citizen, attacker) as (phone, desk):
        # Whoever sees the wrong certificate first closes the connection; the other then has none that could fail.
        windows = (phone.window, desk.window)

        async def refused() -> bool:
            return any([await window.at("verification-failed").is_visible() for window in windows])

        await until(refused, what="somebody refuses the call")
        for window in windows:
            await expect(window.at("verification-code")).to_have_count(0)
            assert await window.at("remote-video").evaluate("video => video.srcObject") is None
            assert await window.packets() == {"sent": 0, "received": 0, "decoded": 0}
        assert attacker.swapped >= 2


@pytest.mark.skipif(
    not aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True),
    reason="aiortc skips 127.0.0.1, and this machine has no other address",
)
@pytest.mark.parametrize("cunning", ["guesses", "forwards", "grinds"])
async def test_whoever_sits_in_the_middle_is_found_out(system: System, films: Path, cunning: Cunning) -> None:
    citizen = await asyncio.to_thread(Citizen.books, system)
    attacker = ManInTheMiddle(citizen.appointment_id, cunning)
    try:
        async with _attacked(system, films, citizen, attacker) as (phone, desk):
            shown_to_citizen = await code(phone.window)
            if cunning == "guesses":
                # Only the codes tell: all else looks as if the two were alone.
                await phone.sees_clerk()
                await desk.sees_citizen()
                assert await code(desk.window) != shown_to_citizen
                await _goes_dark(desk.window)
                taken_in = await desk.window.packets()
            else:
                # The citizen's commitment was opened to something else: the clerk's browser refuses by itself.
                await expect(desk.at("verification-failed")).to_be_visible()
                taken_in = await _stays_dark(desk.window)
                await until(_hung_up(lambda: attacker.clerk_hung_up), what="the attacker speaks to nobody")
                # The clerk is not led on, as if somebody could be identified in such a call.
                await expect(desk.at("primary-action")).to_be_disabled()
            await _goes_dark(phone.window)
            before = await phone.window.packets()
            await until(_hung_up(lambda: attacker.citizen_hung_up), what="the attacker speaks to nobody at all")
            # All the while he went on sending.
            assert await phone.window.packets() == before
            assert await desk.window.packets() == taken_in
    finally:
        await attacker.close()


def _hung_up(told: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def hung_up() -> bool:
        return told()

    return hung_up
