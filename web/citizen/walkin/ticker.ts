/** Calls `tick` every `milliseconds`, also while the page is in the background. Returns how to stop. */
export function every(milliseconds: number, tick: () => void): () => void {
  try {
    const worker = new Worker(new URL("./ticker.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = tick;
    worker.postMessage(milliseconds);
    return () => worker.terminate();
  } catch {
    const timer = setInterval(tick, milliseconds);
    return () => clearInterval(timer);
  }
}
