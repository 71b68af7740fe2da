/** How long a room still sounds after the loudspeaker has fallen silent, seconds: small rooms decay by 60 dB in about that time. */
const ROOM_SECONDS = 0.3;

/**
 * Says which captured chunks may hold the echo of a reply. It goes by the chunks' own times and not by a timer, which a hidden
 * page would delay by up to a minute.
 */
export class HalfDuplexGate {
  /** When the reply began; Infinity: none is heard. Seconds of the context. */
  #fromTime = Infinity;
  /** Until when the last reply, before this one, may be heard in the room. */
  #untilTime = -Infinity;

  /**
   * A reply is heard, or not any more, since `contextTime` (seconds).
   * @param outputSeconds from the context's output to the loudspeaker
   */
  played(playing: boolean, contextTime: number, outputSeconds: number): void {
    if (playing) this.#fromTime = Math.min(this.#fromTime, contextTime);
    else if (this.#fromTime < Infinity) {
      this.#fromTime = Infinity;
      this.#untilTime = contextTime + outputSeconds + ROOM_SECONDS;
    }
  }

  /** Whether a chunk from one time of the context to another may hold an echo. */
  isClosed(fromTime: number, toTime: number): boolean {
    return toTime > this.#fromTime || fromTime < this.#untilTime;
  }
}
