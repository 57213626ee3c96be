/** Time as the call sees it; tests put their own in its place. */
export interface Clock {
  now(): number;
  /** Runs once after so many milliseconds; the answer cancels. */
  after(milliseconds: number, run: () => void): () => void;
  /** Runs about twice a second, also in a hidden page; the answer cancels. */
  ticks(run: () => void): () => void;
}

function pageTicks(run: () => void): () => void {
  const timer = setInterval(run, 500);
  return () => clearInterval(timer);
}

function workerTicks(run: () => void): () => void {
  try {
    const worker = new Worker(new URL("./ticker.worker.ts", import.meta.url), { type: "module" });
    let stop = (): void => worker.terminate();
    worker.onmessage = run;
    worker.onerror = () => {
      worker.terminate();
      stop = pageTicks(run);
    };
    return () => stop();
  } catch {
    return pageTicks(run);
  }
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
  ticks: workerTicks,
};
