/** Longest text that is assembled, in UTF-16 code units. The rest is discarded. */
const MAX_LENGTH = 2 ** 16;
/** Texts that may grow at the same time. The oldest is forgotten. */
const MAX_TEXTS = 16;

/** Assembles texts that arrive in pieces, so that each transcript event has the full text so far. */
export class RunningText {
  readonly #texts = new Map<string, string>();

  /** Adds a piece. @returns the text so far */
  add(name: string, piece: string): string {
    const text = ((this.#texts.get(name) ?? '') + piece).slice(0, MAX_LENGTH);
    this.#texts.set(name, text);
    if (this.#texts.size > MAX_TEXTS) {
      for (const oldest of this.#texts.keys()) {
        this.#texts.delete(oldest);
        break;
      }
    }
    return text;
  }

  /** Ends a text. @returns all of it */
  end(name: string): string {
    const text = this.#texts.get(name) ?? '';
    this.#texts.delete(name);
    return text;
  }
}
