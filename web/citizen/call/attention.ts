/** Calls the person back to this page: they may be reading elsewhere when the office lets them in. */

let audio: AudioContext | null = null;

/** Call in a click: browsers let a page sound only after one. */
export function prepareSound(): void {
  audio ??= new AudioContext();
  void audio.resume();
}

/** Two soft rising tones. */
export function chime(): void {
  if (!audio || audio.state !== "running") return;
  for (const [index, frequency] of [587, 880].entries()) {
    const start = audio.currentTime + index * 0.22;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.2, start + 0.03);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.5);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.55);
  }
}

/** Keeps the screen on while somebody waits or talks; the answer lets it sleep again. */
export function keepAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  let over = false;
  const ask = async (): Promise<void> => {
    // Refused on low battery and unknown to older browsers: comfort, not a condition.
    const got = await navigator.wakeLock?.request("screen").catch(() => null);
    if (over) void got?.release();
    else lock = got ?? null;
  };
  // The system takes the lock back whenever the page is hidden.
  const shown = (): void => void (document.visibilityState === "visible" && ask());
  document.addEventListener("visibilitychange", shown);
  void ask();
  return () => {
    over = true;
    document.removeEventListener("visibilitychange", shown);
    void lock?.release();
  };
}
