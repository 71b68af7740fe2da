/** Maximum number of messages that await acknowledgement. An outbox of one minute holds at most 60,000 messages of 1 ms. */
const MAX_WAITING = 2 ** 16;

/** Remembers how far each message of a connection reaches, for services that acknowledge messages by their number. */
export class SentMessages {
  /** Where the messages after `#acknowledged` end, in frames of the connection. */
  readonly #ends: number[] = [];
  #acknowledged = 0;
  #sent = 0;

  /** Number of messages sent, which is the number of the last one: they count from 1. */
  get count(): number {
    return this.#sent;
  }

  /** Counts a message that is sent. @param end number of frames sent on the connection up to and including this message */
  add(end: number): void {
    this.#sent++;
    this.#ends.push(end);
    if (this.#ends.length > MAX_WAITING) this.#forget(1);
  }

  /**
   * Registers that the messages up to a number are acknowledged.
   * @returns where the last of them ends; undefined if it was already acknowledged, or was not sent
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
