// Timers of a page in the background are slowed down to one a minute; those of a worker are not.
self.onmessage = ({ data }: MessageEvent<number>): void => {
  setInterval(() => self.postMessage(null), data);
};
