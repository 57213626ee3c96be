/** The sound when somebody enters the waiting room: two soft notes, off until a clerk wants it. */
import * as kept from "../shell/kept";

let context: AudioContext | null = null;
let wanted = kept.read("sound") === "on";

export const soundWanted = (): boolean => wanted;

/** Switch the sound; switching on plays it, which is also the gesture that browsers ask for. */
export function wantSound(on: boolean): void {
  wanted = on;
  kept.write("sound", on ? "on" : "off");
  if (on) chime();
}

export function chime(): void {
  if (!wanted || typeof AudioContext === "undefined") return;
  context ??= new AudioContext();
  void context.resume();
  note(context, 660, 0);
  note(context, 880, 0.18);
}

function note(audio: AudioContext, frequency: number, after: number): void {
  const start = audio.currentTime + after;
  const [tone, volume] = [audio.createOscillator(), audio.createGain()];
  tone.frequency.value = frequency;
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(0.12, start + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, start + 0.5);
  tone.connect(volume).connect(audio.destination);
  tone.start(start);
  tone.stop(start + 0.55);
}
