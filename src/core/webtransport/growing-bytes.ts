/** Holds bytes of a stream that wait to be read. Adding and reading them takes time in proportion to their number. */
export class GrowingBytes {
  #buffer = new Uint8Array(0);
  #start = 0;
  #end = 0;

  /** Number of waiting bytes. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** The waiting bytes. Valid until the next `add`. */
  get view(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** Appends bytes. @param bytes the bytes, which are copied */
  add(bytes: Uint8Array): void {
    const needed = this.length + bytes.length;
    if (this.#end + bytes.length > this.#buffer.length) {
      const isLarger = needed > this.#buffer.length / 2;
      const buffer = isLarger ? new Uint8Array(2 * needed) : this.#buffer;
      buffer.set(this.view);
      this.#buffer = buffer;
      this.#end = this.length;
      this.#start = 0;
    }
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Removes bytes from the front. */
  skip(count: number): void {
    this.#start += count;
    // Releases the memory of a large message once it has been read.
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = 0;
      this.#buffer = new Uint8Array(0);
    }
  }
}
