import { beforeEach, describe, expect, it, vi } from "vitest";

import { deviceError, LocalMedia } from "./media";
import { FakeStream, FakeTrack, ManualClock, settle } from "./testing";

vi.stubGlobal("MediaStream", FakeStream);

/** navigator.mediaDevices with a camera and a microphone that can be refused, unplugged and plugged in. */
class FakeDevices extends EventTarget {
  asked: MediaStreamConstraints[] = [];
  given: FakeTrack[] = [];
  refusal: { video?: string; audio?: string } = {};
  devices = ["audio-1", "audio-2", "video-1", "video-2"];

  getUserMedia = (constraints: MediaStreamConstraints): Promise<FakeStream> => {
    this.asked.push(constraints);
    const tracks: FakeTrack[] = [];
    for (const kind of ["audio", "video"] as const) {
      const wish = constraints[kind];
      if (!wish) continue;
      const refusal = this.refusal[kind];
      const exact = typeof wish === "object" ? (wish.deviceId as { exact?: string } | undefined)?.exact : undefined;
      const id = exact ?? this.devices.find((one) => one.startsWith(kind));
      const name = refusal ?? (id && this.devices.includes(id) ? null : exact ? "OverconstrainedError" : "NotFoundError");
      if (name) return Promise.reject(Object.assign(new Error(name), { name }));
      tracks.push(new FakeTrack(kind, id));
    }
    this.given.push(...tracks);
    return Promise.resolve(new FakeStream(tracks));
  };
  enumerateDevices = (): Promise<object[]> =>
    Promise.resolve(this.devices.map((id) => ({ kind: id.startsWith("audio") ? "audioinput" : "videoinput", deviceId: id, label: id })));
}

let devices: FakeDevices;
let clock: ManualClock;
let media: LocalMedia;
const now = () => media.state.value;
const track = (kind: "audio" | "video"): FakeTrack => {
  const found = (kind === "audio" ? now().audioTrack : now().videoTrack) as unknown as FakeTrack | null;
  if (!found) throw new Error(`no ${kind} track`);
  return found;
};

beforeEach(() => {
  devices = new FakeDevices();
  clock = new ManualClock();
  media = new LocalMedia({ devices: devices as unknown as MediaDevices, clock });
});

describe("asking", () => {
  it("asks once for both, and lists the devices", async () => {
    await media.start();
    expect(devices.asked).toHaveLength(1);
    expect(now()).toMatchObject({ camera: { state: "on" }, microphone: { state: "on" }, cameraId: "video-1", microphoneId: "audio-1" });
    expect(now().cameras.map(({ id }) => id)).toEqual(["video-1", "video-2"]);
    expect(now().stream).not.toBeNull();
  });

  it("keeps the microphone when only the camera is missing, and says why", async () => {
    devices.devices = ["audio-1"];
    await media.start();
    expect(now().microphone.state).toBe("on");
    expect(now().camera).toEqual({ state: "error", error: "not_found" });
  });

  it("names what went wrong", () => {
    const names = ["NotAllowedError", "NotFoundError", "NotReadableError", "TypeError", "Strange"];
    expect(names.map((name) => deviceError({ name }))).toEqual(["permission_denied", "not_found", "in_use", "unsupported", "unknown"]);
  });

  it("works without any camera interface: unsupported, not a crash", async () => {
    media = new LocalMedia({ devices: undefined, clock });
    await media.start();
    expect(now().camera.error).toBe("unsupported");
    expect(now().microphone.error).toBe("unsupported");
  });

  it("takes a camera that is plugged in later", async () => {
    devices.devices = ["audio-1"];
    await media.start();
    devices.devices.push("video-9");
    devices.dispatchEvent(new Event("devicechange"));
    await settle();
    await settle();
    expect(now().camera.state).toBe("on");
    expect(now().cameraId).toBe("video-9");
  });

  it("tries a busy device again, a few times", async () => {
    devices.refusal = { video: "NotReadableError" };
    await media.start();
    expect(now().camera.error).toBe("in_use");
    await clock.pass(500);
    devices.refusal = {};
    await clock.pass(1000);
    expect(now().camera.state).toBe("on");
  });

  it("throws away an answer that comes after the person changed their mind", async () => {
    const starting = media.start();
    media.stop();
    await starting;
    expect(now().stream).toBeNull();
    expect(now().camera.state).toBe("off");
    expect(devices.given.every(({ readyState }) => readyState === "ended")).toBe(true);
  });
});

describe("using", () => {
  it("mutes by silencing the track, and keeps that over a change of microphone", async () => {
    await media.start();
    await media.setMuted(true);
    expect(track("audio").enabled).toBe(false);
    await media.chooseMicrophone("audio-2");
    expect(now().microphoneId).toBe("audio-2");
    expect(track("audio").enabled).toBe(false);
    await media.setMuted(false);
    expect(track("audio").enabled).toBe(true);
  });

  it("really switches the camera off, and on again", async () => {
    await media.start();
    const first = track("video");
    await media.setCamera(false);
    expect(first.readyState).toBe("ended");
    expect(now().videoTrack).toBeNull();
    await media.setCamera(true);
    expect(track("video").readyState).toBe("live");
  });

  it("frees the old camera before it asks for the other (phones open one at a time)", async () => {
    await media.start();
    const first = track("video");
    const changing = media.chooseCamera("video-2");
    expect(first.readyState).toBe("ended");
    await changing;
    expect(now().cameraId).toBe("video-2");
  });

  it("takes any other camera when the chosen one is gone", async () => {
    await media.start();
    await media.chooseCamera("video-7");
    expect(now().cameraId).toBe("video-1");
    expect(now().camera.state).toBe("on");
  });

  it("is sharp while a card is shown, and smooth otherwise", async () => {
    await media.start();
    expect(track("video").contentHint).toBe("motion");
    await media.setDetail(true);
    expect(track("video").contentHint).toBe("detail");
    await media.chooseCamera("video-2");
    expect(track("video").contentHint).toBe("detail");
    await media.setDetail(false);
    expect(track("video").contentHint).toBe("motion");
  });
});

describe("losing", () => {
  it("asks again when a track ends by the system's hand", async () => {
    await media.start();
    const lost = track("audio");
    lost.onended?.();
    await settle();
    await settle();
    expect(track("audio")).not.toBe(lost);
    expect(now().microphone.state).toBe("on");
  });

  it("gets the microphone back after a phone call (iOS silences it and does not return it)", async () => {
    await media.start();
    const silenced = track("audio");
    silenced.muted = true;
    silenced.onmute?.();
    await clock.pass(1000);
    expect(track("audio")).toBe(silenced);
    await clock.pass(1500);
    expect(track("audio")).not.toBe(silenced);
    expect(now().interrupted).toBe(false);
  });

  it("leaves a short silence alone", async () => {
    await media.start();
    const silenced = track("audio");
    silenced.muted = true;
    silenced.onmute?.();
    await clock.pass(500);
    silenced.muted = false;
    await clock.pass(3000);
    expect(track("audio")).toBe(silenced);
  });

  it("asks for nothing after stop", async () => {
    await media.start();
    const asked = devices.asked.length;
    media.stop();
    devices.dispatchEvent(new Event("devicechange"));
    await clock.pass(5000);
    expect(devices.asked).toHaveLength(asked);
    expect(devices.given.every(({ readyState }) => readyState === "ended")).toBe(true);
  });
});
