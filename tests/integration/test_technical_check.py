"""The technical check in a real browser: nothing is called ready that nobody has heard, and the focus stays."""

import re
from pathlib import Path

import pytest
from browser import Browsers, Window
from playwright.async_api import expect
from system import System

pytestmark = pytest.mark.journey

# A microphone whose switch is off: the browser has a track, and nothing comes through it until somebody talks.
_SWITCHED_OFF = """
const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await real(wanted);
  if (!wanted.audio) return stream;
  const room = new AudioContext(), voice = new OscillatorNode(room), mouth = new GainNode(room, { gain: 0 });
  const microphone = room.createMediaStreamDestination();
  voice.connect(mouth).connect(microphone);
  voice.start();
  window.talk = () => { mouth.gain.value = 0.5; };
  return new MediaStream([...stream.getVideoTracks(), ...microphone.stream.getAudioTracks()]);
};
"""


async def focused(window: Window) -> str:
    """The id of the element that has the focus."""
    return str(await window.page.evaluate("() => document.activeElement?.id || document.activeElement?.tagName"))


async def test_all_is_ready_only_when_everything_was_seen_and_heard(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("phone")
        at, result = window.at, window.at("check-result")
        await window.context.add_init_script(_SWITCHED_OFF)
        await window.page.goto(f"{system.url}/demo/check")
        await window.click("start-check")
        assert await focused(window) == "check-running"
        await expect(at("check-network")).to_have_attribute("data-mark", re.compile("good|limited"))
        await expect(at("check-open")).to_contain_text("Mikrofon, Lautsprecher")
        await expect(at("check-microphone")).to_have_attribute("data-mark", "failed")  # after a while of silence
        await expect(at("microphone-said")).to_contain_text("Wir hören nichts")
        await window.page.evaluate("() => window.talk()")
        await expect(at("check-microphone")).to_have_attribute("data-mark", "good")
        await expect(at("check-open")).to_contain_text("Noch offen: Lautsprecher.")
        await window.photograph("31-check-open")

        await window.click("play-sound")
        await expect(at("sound-not-heard")).to_be_visible()
        assert await focused(window) == "sound-question"
        await window.click("sound-not-heard")
        assert await focused(window) == "sound-answer"
        await expect(result).to_have_attribute("data-outcome", "failed")
        await expect(result).not_to_contain_text("Alles bereit")
        await window.photograph("32-check-failed")

        await window.click("play-sound")
        await window.click("sound-heard")
        await expect(result).to_have_attribute("data-outcome", re.compile("good|limited"))
        assert window.troubles == []


async def test_who_does_without_sound_is_not_told_that_something_is_wrong(system: System, films: Path) -> None:
    async with Browsers(system.url, films) as browsers:
        window = await browsers.open("phone")
        await window.context.add_init_script(_SWITCHED_OFF)
        await window.page.goto(f"{system.url}/demo/check")
        await window.click("start-check")
        for part in ("microphone", "speaker"):
            await window.click(f"without-{part}")
            await expect(window.at(f"check-{part}")).to_have_attribute("data-mark", "unneeded")
        assert await focused(window) == "sound-answer"
        await expect(window.at("check-result")).to_have_attribute("data-outcome", re.compile("good|limited"))
