"""Two people whose networks let nothing through: picture and sound go by the town's relay, and by nothing else."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browser import Browsers, Window, until
from meeting import Desk, Phone, frames_go_on, meet
from people import Citizen, Clerk
from prometheus_client.parser import text_string_to_metric_families
from relay import MISSING, coturn
from system import System

from schalter.embedded import free_port

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(MISSING, reason="needs coturn: apt-get install coturn"),
]
SECRET = "of signaling and the relay"
#: What such a network does to a browser. It wraps what the other scripts of the page know as a connection.
_ONLY_RELAYED = """
const Known = window.RTCPeerConnection;
const closed = (configuration) => ({ ...configuration, iceTransportPolicy: "relay" });
window.RTCPeerConnection = class extends Known {
  constructor(configuration) { super(closed(configuration)); }
  setConfiguration(configuration) { super.setConfiguration(closed(configuration)); }
};
"""
#: The kinds of both ends of every pair that carries a call, and how many bytes of sound came.
_CARRIED = """
async () => {
  const ends = [];
  let sound = 0;
  for (const connection of window.connections) {
    const told = await connection.getStats();
    for (const [, one] of told) {
      if (one.type === "inbound-rtp" && one.kind === "audio") sound += one.bytesReceived;
      if (one.type !== "transport" || !one.selectedCandidatePairId) continue;
      const pair = told.get(one.selectedCandidatePairId);
      ends.push(told.get(pair.localCandidateId).candidateType, told.get(pair.remoteCandidateId).candidateType);
    }
  }
  return { ends, sound };
}
"""


@pytest.fixture
def relayed(servers_dir: Path, tmp_path: Path) -> Iterator[System]:
    """A system whose signaling hands out credentials for a real coturn, which may relay to this machine alone."""
    with coturn(tmp_path, SECRET, allowed="127.0.0.1") as (host, port):
        settings = {"SCHALTER_TURN_URLS": f"turn:{host}:{port}", "SCHALTER_TURN_SECRET": SECRET}
        with System(servers_dir / "relayed", free_port(), settings=settings) as system:
            yield system


async def test_a_call_gets_through_a_relay_alone(relayed: System, films: Path) -> None:
    citizen = await asyncio.to_thread(Citizen.books, relayed)
    case_id = (await asyncio.to_thread(Clerk(relayed).finds, citizen))["case_id"]
    async with Browsers(relayed.url, films) as browsers:
        phone, desk = Phone(await browsers.open("phone"), relayed), Desk(await browsers.open("desk"), relayed)
        for window in (phone.window, desk.window):
            await window.context.add_init_script(_ONLY_RELAYED)
        await meet(phone, desk, citizen, case_id)
        await frames_go_on(phone.window, desk.window)
        for window in (phone.window, desk.window):
            await _hears(window)
        await until(lambda: asyncio.to_thread(_told, relayed), what="both browsers have told their path")


async def _hears(window: Window) -> None:
    async def sound() -> int:
        carried = await window.page.evaluate(_CARRIED)
        assert set(carried["ends"]) == {"relay"}, carried
        return int(carried["sound"])

    before = await sound()

    async def more() -> bool:
        return await sound() > before

    await until(more, what=f"{window.device}: sound goes on")


def _told(system: System) -> bool:
    """The figures say that both are relayed, and nobody is connected otherwise."""
    text = httpx.get(f"http://127.0.0.1:{system.state['ports']['signaling']}/metrics", timeout=10).text
    told = {
        (sample.labels["role"], sample.labels["path"]): sample.value
        for metric in text_string_to_metric_families(text)
        for sample in metric.samples
        if sample.name == "schalter_signaling_paths_total" and sample.value
    }
    assert {path for _, path in told} <= {"relay"}, told
    return told == {("citizen", "relay"): 1, ("clerk", "relay"): 1}
