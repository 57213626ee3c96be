/**
 * Draws the picture a video shows now, at its full resolution, to look at a card in peace.
 * The picture stays in this tab's memory; it is never stored or sent. False when there is no picture yet.
 */
export function freezeFrame(video: HTMLVideoElement, canvas: HTMLCanvasElement): boolean {
  if (video.videoWidth === 0) return false;
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return true;
}
