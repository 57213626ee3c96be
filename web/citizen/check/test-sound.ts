/** Three rising tones through the chosen speaker; resolves when they have ended. Call in a click. */
export async function playTestSound(speakerId: string | null): Promise<void> {
  const audio = new AudioContext();
  const chosen = audio as AudioContext & { setSinkId?: (id: string) => Promise<void> };
  // Not every browser lets a page choose; the tones then come from the standard device, which is what the call uses too.
  if (speakerId) await chosen.setSinkId?.(speakerId).catch(() => undefined);
  await audio.resume();
  const tones = [440, 554, 659].map((frequency, index) => {
    const start = audio.currentTime + 0.05 + index * 0.4;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.25, start + 0.03);
    volume.gain.linearRampToValueAtTime(0, start + 0.35);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.36);
    return tone;
  });
  const last = tones.at(-1);
  await new Promise<void>((resolve) => {
    if (last) last.onended = () => resolve();
    else resolve();
  });
  await audio.close();
}
