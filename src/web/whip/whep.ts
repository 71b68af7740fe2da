import { RemoteAudio } from '../webrtc/call-audio.ts';
import { jitterBufferTargetIn } from '../webrtc/call-options.ts';
import { WhipConnection } from './whip-connection.ts';
import { whepSettings } from './whip-options.ts';
import type { WhepOptions, WhipSettings } from './whip-options.ts';

/**
 * Plays audio from a media server by WHEP (draft-ietf-wish-whep). Each instance is for one session: to play again, create another
 * one.
 *
 * @example
 * const whep = Whep.create('https://example.com/whep/room', { token });
 * await whep.connect();
 * whep.createSource(context).connect(context.destination);
 */
export class Whep extends WhipConnection {
  readonly #remoteAudio = new RemoteAudio();
  #jitterBufferTarget: number | null;
  #track: MediaStreamTrack | null = null;

  /**
   * Creates the connection; nothing is sent before `connect()`.
   * @param url the endpoint's address, `http:` or `https:`, absolute or relative to the page
   * @throws MicwireError `'unsupported'` in an engine without WebRTC; TypeError or RangeError for an invalid argument; the reason
   *   of a `signal` that is already aborted
   */
  static create(url: string | URL, options: WhepOptions = {}): Whep {
    return new Whep(whepSettings(url, options));
  }

  private constructor(settings: WhipSettings) {
    super(settings);
    this.#jitterBufferTarget = settings.jitterBufferTarget;
    this.connection.ontrack = ({ track, receiver }) => {
      if (track.kind !== 'audio') return;
      this.#track ??= track;
      this.#aim(receiver);
    };
  }

  /** The server's audio track; null until it exists. */
  get remoteTrack(): MediaStreamTrack | null {
    return this.#track;
  }

  /** Target of the browser's jitter buffer in ms; null to let the browser decide. May be set at any time. @throws RangeError */
  get jitterBufferTarget(): number | null {
    return this.#jitterBufferTarget;
  }

  set jitterBufferTarget(ms: number | null) {
    this.#jitterBufferTarget = jitterBufferTargetIn(ms);
    for (const receiver of this.connection.getReceivers()) this.#aim(receiver);
  }

  /**
   * Creates a node with the server's audio. The node ends with the session.
   * @throws MicwireError `'no-audio'` while there is no audio
   */
  createSource(context: AudioContext): MediaStreamAudioSourceNode {
    const track = this.state === 'closed' ? null : this.#track;
    return this.#remoteAudio.open(context, track, 'the server');
  }

  /** @internal */
  protected prepare(): void {
    this.connection.addTransceiver('audio', { direction: 'recvonly' });
  }

  /** @internal */
  protected release(): void {
    this.#remoteAudio.close();
  }

  #aim(receiver: RTCRtpReceiver): void {
    if (receiver.track.kind !== 'audio' || !('jitterBufferTarget' in receiver)) return;
    receiver.jitterBufferTarget = this.#jitterBufferTarget;
  }
}
