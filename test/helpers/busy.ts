/** Keeps this thread busy: it reads no socket meanwhile. */
export function busy(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
