/** The present instant, once a second, for waiting times; it stands still while nobody reads it. */
let now = $state(Date.now());
let readers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Call in a component's initialisation; read the returned function in markup. */
export function useNow(): () => number {
  $effect(() => {
    readers += 1;
    now = Date.now();
    timer ??= setInterval(() => (now = Date.now()), 1000);
    return () => {
      readers -= 1;
      if (readers > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  });
  return () => now;
}
