import { errorText } from '../../src/core/errors.ts';

/** A playback further behind the newest audio than this skips, in seconds. */
const MAX_BEHIND = 1;
/** Where a skip lands, in seconds before the newest audio. */
const SKIP_TO = 0.15;
/** Seconds of played audio that are kept, so that the browser's memory does not fill. */
const KEPT = 10;

/** Plays a browser's own file as it grows, by Media Source Extensions (W3C): what a page does if it receives the file in pieces. */
export class MediaPlayback {
  /** The sound. */
  readonly node: AudioNode;
  /** Called when the browser no longer accepts the file. */
  onerror: ((reason: string) => void) | null = null;
  readonly #element = new Audio();
  readonly #source = new MediaSource();
  readonly #url: string;
  #buffer: SourceBuffer | null = null;
  readonly #waiting: Uint8Array<ArrayBuffer>[] = [];

  /** Why this browser cannot play such a file; null when it can. */
  static missing(type: string): string | null {
    if (!('MediaSource' in globalThis)) return 'This browser has no Media Source Extensions.';
    if (MediaSource.isTypeSupported(type)) return null;
    return `This browser records ${type}, but does not play it in pieces.`;
  }

  /** @param type of the file */
  constructor(context: AudioContext, type: string) {
    const element = this.#element;
    const source = this.#source;
    this.#url = URL.createObjectURL(source);
    element.src = this.#url;
    this.node = context.createMediaElementSource(element);
    element.onerror = () => this.#fail(element.error?.message ?? '');
    source.addEventListener('sourceopen', () => {
      if (source.readyState !== 'open') return;
      this.#buffer = source.addSourceBuffer(type);
      this.#buffer.onupdateend = () => this.#next();
      this.#next();
    });
  }

  /** Takes the next piece. */
  append(bytes: Uint8Array<ArrayBuffer>): void {
    this.#waiting.push(bytes);
    this.#next();
  }

  close(): void {
    const element = this.#element;
    this.onerror = null;
    element.onerror = null;
    element.pause();
    element.removeAttribute('src');
    URL.revokeObjectURL(this.#url);
    this.node.disconnect();
  }

  #next(): void {
    const buffer = this.#buffer;
    const waiting = this.#waiting;
    if (buffer === null || buffer.updating || this.#source.readyState !== 'open') return;
    this.#follow(buffer);
    if (buffer.updating) return;
    const bytes = waiting.shift();
    try {
      if (bytes !== undefined) buffer.appendBuffer(bytes);
    } catch (error) {
      this.#fail(errorText(error));
    }
  }

  /** Keeps playing near the end of what is there. */
  #follow(buffer: SourceBuffer): void {
    const element = this.#element;
    const { buffered } = buffer;
    if (buffered.length === 0) return;
    const end = buffered.end(buffered.length - 1);
    const start = buffered.start(0);
    const { currentTime } = element;
    if (currentTime < start || end - currentTime > MAX_BEHIND) {
      element.currentTime = Math.max(start, end - SKIP_TO);
    }
    // Like the context, it may be blocked until a gesture.
    if (element.paused) element.play().catch(() => {});
    if (currentTime - start > 2 * KEPT) buffer.remove(start, currentTime - KEPT);
  }

  #fail(reason: string): void {
    this.onerror?.(`The browser does not play its own recording any more. ${reason}`.trim());
  }
}
