/**
 * Plays a stream by a muted media element. Chromium gives a node of a remote track no sound unless an element plays it as well
 * (crbug.com/40094084).
 * @returns ends it
 */
export function playMuted(stream: MediaStream): () => void {
  if (typeof Audio !== 'function') return () => {};
  const element = new Audio();
  element.muted = true;
  element.srcObject = stream;
  // Muted sound may play without a gesture; where it may not, other engines do not need it.
  element.play().catch(() => {});
  return () => {
    element.pause();
    element.srcObject = null;
  };
}
