import type { CaptureSource } from '../capture-source.ts';
import { publishedTrack } from './published-track.ts';
import type { PublishedTrack } from './published-track.ts';
import { WhipConnection } from './whip-connection.ts';
import { whipSettings } from './whip-options.ts';
import type { WhipOptions, WhipSettings } from './whip-options.ts';

/**
 * Publishes audio to a media server by WHIP (RFC 9725). Each instance is for one session: to publish again, create another one.
 *
 * @example
 * const whip = Whip.create('https://example.com/whip/room', microphone, { token });
 * await whip.connect();
 */
export class Whip extends WhipConnection {
  readonly #source: PublishedTrack;

  /**
   * Creates the connection; nothing is sent before `connect()`.
   * @param url the endpoint's address, `http:` or `https:`, absolute or relative to the page
   * @param source the audio to send; it belongs to the caller and is not stopped. A `Microphone` continues to be sent when its
   * device changes
   * @throws MicwireError `'unsupported'` in an engine without WebRTC, `'no-audio'` for a stream without live audio; TypeError or
   *   RangeError for an invalid argument; the reason of a `signal` that is already aborted
   */
  static create(url: string | URL, source: CaptureSource, options: WhipOptions = {}): Whip {
    const settings = whipSettings(url, options);
    const published = publishedTrack(source, settings.stereo === true ? 2 : 1);
    try {
      return new Whip(settings, published);
    } catch (error) {
      published.release();
      throw error;
    }
  }

  private constructor(settings: WhipSettings, source: PublishedTrack) {
    super(settings);
    this.#source = source;
  }

  /** The track that is sent. */
  get track(): MediaStreamTrack {
    return this.#source.track;
  }

  /** @internal */
  protected prepare(): void {
    // All sections name the same stream (RFC 9725 §4.4.2).
    const streams = [new MediaStream([this.track])];
    this.connection.addTransceiver(this.track, { direction: 'sendonly', streams });
  }

  /** @internal */
  protected release(): void {
    this.#source.release();
  }
}
