/** How long a room reverberates after the loudspeaker has stopped, in seconds: small rooms decay by 60 dB in about that time. */
const ROOM_SECONDS = 0.3;

/**
 * Decides which captured chunks may contain the echo of a reply. It uses the chunks' own times instead of a timer, which a hidden
 * page would delay by up to a minute.
 */
export class HalfDuplexGate {
  /** When the reply began, in seconds of the context; Infinity if no reply is playing. */
  #fromTime = Infinity;
  /** Until when the previous reply may be heard in the room. */
  #untilTime = -Infinity;

  /**
   * Notes that a reply started or stopped playing at `contextTime` (seconds).
   * @param outputSeconds delay from the context's output to the loudspeaker
   */
  played(playing: boolean, contextTime: number, outputSeconds: number): void {
    if (playing) this.#fromTime = Math.min(this.#fromTime, contextTime);
    else if (this.#fromTime < Infinity) {
      this.#fromTime = Infinity;
      this.#untilTime = contextTime + outputSeconds + ROOM_SECONDS;
    }
  }

  /** Returns whether a chunk between two times of the context may contain an echo. */
  isClosed(fromTime: number, toTime: number): boolean {
    return toTime > this.#fromTime || fromTime < this.#untilTime;
  }
}
