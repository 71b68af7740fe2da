/** Messages whose acknowledgement is awaited. An outbox of a minute holds at most 60,000 of 1 ms. */
const MAX_WAITING = 2 ** 16;

/** How far each message of a connection reaches, for services that acknowledge messages by their number. */
export class SentMessages {
  /** Where the messages after `#acknowledged` end, in frames of the connection. */
  readonly #ends: number[] = [];
  #acknowledged = 0;
  #sent = 0;

  /** Messages that were sent: the number of the last one, which counts from 1. */
  get count(): number {
    return this.#sent;
  }

  /** Counts a message that is sent. @param end frames of the connection that were sent with it and before it */
  add(end: number): void {
    this.#sent++;
    this.#ends.push(end);
    if (this.#ends.length > MAX_WAITING) this.#forget(1);
  }

  /**
   * The messages up to a number are acknowledged.
   * @returns where the last of them ends; undefined where that is not new, or more than was sent
   */
  acknowledge(number: number): number | undefined {
    const isNew = number > this.#acknowledged && number <= this.#sent;
    if (!isNew || !Number.isInteger(number)) return undefined;
    const end = this.#ends[number - this.#acknowledged - 1];
    this.#forget(number - this.#acknowledged);
    return end;
  }

  #forget(messages: number): void {
    this.#ends.splice(0, messages);
    this.#acknowledged += messages;
  }
}
