/** Meters whose steps end together ask for the same frames: so many results of a block are kept. */
export const SCAN_SLOTS = 8;

/** Which frames of the loaded block were scanned into which slot. */
export class ScanSlots {
  readonly #from: Int32Array = new Int32Array(SCAN_SLOTS);
  readonly #frames: Int32Array = new Int32Array(SCAN_SLOTS);
  #used = 0;
  /** The slot of the last request. */
  current = 0;

  /** Makes the slot of these frames the current one; true when they were scanned already. */
  find(from: number, frames: number): boolean {
    for (let slot = 0; slot < this.#used; slot++) {
      if (this.#from[slot] === from && this.#frames[slot] === frames) {
        this.current = slot;
        return true;
      }
    }
    if (this.#used < SCAN_SLOTS) this.current = this.#used++;
    else this.current = (this.current + 1) % SCAN_SLOTS;
    this.#from[this.current] = from;
    this.#frames[this.current] = frames;
    return false;
  }

  /** A new block is loaded. */
  clear(): void {
    this.#used = 0;
    this.current = 0;
  }
}
