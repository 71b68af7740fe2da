import { MicwireError, PacketError, errorText } from '../../core/errors.ts';
import { callFigures } from '../../core/webrtc/call-figures.ts';
import type { CallFigures } from '../../core/webrtc/call-figures.ts';
import {
  parseIceFragment,
  withIceFragment,
  writeIceFragment,
} from '../../core/webrtc/ice-fragment.ts';
import type { IceFragment } from '../../core/webrtc/ice-fragment.ts';
import { promisesStereo, withOpusOptions } from '../../core/webrtc/opus-sdp.ts';
import { onAbort } from '../abort.ts';
import { Patience, deferred } from '../patience.ts';
import { TypedEventTarget } from '../typed-event-target.ts';
import { connectionFailed, takeStats } from '../webrtc/call-record.ts';
import type { WhipEventMap, WhipSettings, WhipState } from './whip-options.ts';
import { WhipResource } from './whip-resource.ts';

/**
 * How long an offer with all candidates waits for the last ones, in ms. Waiting for a STUN server that does not answer would take
 * longer.
 */
const GATHER_MS = 5000;

/** One session at a WHIP or WHEP endpoint: the common base of {@link Whip} and {@link Whep}. */
export abstract class WhipConnection extends TypedEventTarget<WhipEventMap> {
  /** The underlying connection, for features that this class does not offer. */
  readonly connection: RTCPeerConnection;
  readonly #settings: WhipSettings;
  readonly #resource: WhipResource;
  readonly #connected = deferred<void>();
  #state: WhipState = 'new';
  #wasConnected = false;
  #closing: Promise<void> | undefined;
  /** Rejects when the session ends: requests to a closed connection never settle (W3C webrtc §4.4.1.2). */
  readonly #ended = deferred<never>();
  #restarting: Promise<void> | undefined;
  readonly #deadline = new Patience();
  #endAbort: (() => void) | undefined;
  #lastFigures: CallFigures | null = null;
  /** True if the server made the offer: it must then make a new one to restart ICE. */
  #isAnswerer = false;
  /** True when candidates may be sent, because the server knows the session that they belong to. */
  #canTrickle = false;
  #takesPatch = false;
  /** The status with which the server refused candidates; 0 while it accepts them. */
  #trickleRefusal = 0;
  #isTrickling = false;
  #candidates: string[] = [];
  #gathered: 'no' | 'yes' | 'told' = 'no';

  /** @internal */
  protected constructor(settings: WhipSettings) {
    super();
    this.#settings = settings;
    this.#resource = new WhipResource(settings.endpoint, settings.token, settings.connectTimeoutMs);
    this.connection = new RTCPeerConnection({
      iceServers: [...(settings.iceServers ?? [])],
      iceTransportPolicy: settings.iceTransportPolicy,
      bundlePolicy: 'max-bundle',
    });
    this.connection.onicecandidate = ({ candidate }) => this.#found(candidate);
    this.connection.onconnectionstatechange = () => this.#changed();
    this.#endAbort = onAbort(settings.signal, (reason) => {
      this.#connected.reject(reason);
      void this.close();
    });
  }

  /** The absolute address of the endpoint. */
  get url(): string {
    return this.#settings.endpoint;
  }

  get state(): WhipState {
    return this.#state;
  }

  /**
   * Creates the session and connects. Further calls return the same promise.
   * @throws MicwireError `'transport'` when the server refuses or does not answer, or when ICE or DTLS fail or take too long;
   *   `'unsupported'` when the server does not speak the protocol, or does not accept such an offer; `'closed'` when the connection
   *   is closed during the call; the reason of the option `signal`. The `cause` of a refusal is a {@link WhipRefusal}.
   */
  connect(): Promise<void> {
    if (this.#state === 'new') {
      this.#become('connecting');
      this.#limit();
      globalThis.addEventListener?.('pagehide', this.#onPageHide);
      this.#negotiate().catch((error: unknown) => this.#fail(error));
    }
    return this.#connected.promise;
  }

  /**
   * Looks for a path to the server again (RFC 9725 §4.3.3), for example when the machine has moved to another network. This happens
   * automatically when the path is lost.
   * @throws MicwireError `'unsupported'` when the server does not support it: the session continues unchanged; `'transport'`,
   * `'closed'`
   */
  restartIce(): Promise<void> {
    return (this.#restarting ??= Promise.race([this.#ended.promise, this.#restart()]).finally(
      () => (this.#restarting = undefined),
    ));
  }

  /** Returns the current statistics. @throws MicwireError `'closed'` after the session has ended */
  async stats(): Promise<CallFigures> {
    this.#checkOpen();
    const figures = callFigures(await takeStats(this.connection), this.#lastFigures);
    this.#lastFigures = figures;
    return figures;
  }

  /**
   * Ends the session here and, by DELETE, at the server. This happens automatically when the page is closed. A second call returns
   * the same promise, which settles when the server has answered, and never rejects.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#end(null));
  }

  /** Adds the audio to send or receive, before the offer is made. @internal */
  protected abstract prepare(): void;

  /** Releases what was opened. @internal */
  protected abstract release(): void;

  readonly #onPageHide = (): void => void this.close();

  async #negotiate(): Promise<void> {
    const { connection } = this;
    const { trickle, serverOffer, iceServers, opus } = this.#settings;
    let offer: RTCSessionDescriptionInit | null = null;
    if (serverOffer !== 'ask') {
      this.prepare();
      offer = this.#described(await connection.createOffer());
      if (!trickle) offer = await this.#withCandidates(offer);
    }
    this.#checkOpen();
    let session = await this.#resource.create(offer?.sdp ?? '', serverOffer === 'follow');
    this.#checkOpen();
    // Set before the local description, which uses them to gather candidates (RFC 9725 §4.6).
    if (iceServers === null && session.iceServers.length > 0) this.#useServers(session.iceServers);
    this.#takesPatch = session.takesPatch;
    if (session.kind === 'answer' && offer !== null) {
      if (trickle && !this.#takesPatch) {
        // The server would never receive a candidate.
        await this.#resource.leave();
        this.#checkOpen();
        offer = await this.#withCandidates(offer);
        this.#checkOpen();
        session = await this.#resource.create(offer.sdp ?? '', false);
        this.#checkOpen();
      } else if (trickle) await connection.setLocalDescription(offer);
      await this.#setRemote('answer', withOpusOptions(session.sdp, opus));
    } else {
      this.#isAnswerer = true;
      for (const transceiver of connection.getTransceivers()) transceiver.stop();
      await this.#setRemote('offer', session.sdp);
      for (const transceiver of connection.getTransceivers()) {
        // The answer rejects video, or the server would send video that is never shown.
        if (transceiver.receiver.track.kind !== 'audio') transceiver.stop();
      }
      let answer = this.#described(await connection.createAnswer());
      if (trickle && this.#takesPatch) await connection.setLocalDescription(answer);
      else answer = await this.#withCandidates(answer);
      this.#checkOpen();
      await this.#resource.answer(answer.sdp ?? '');
    }
    this.#checkOpen();
    this.#canTrickle = trickle && this.#takesPatch;
    void this.#trickle();
  }

  #useServers(servers: readonly RTCIceServer[]): void {
    try {
      const configuration = this.connection.getConfiguration();
      this.connection.setConfiguration({ ...configuration, iceServers: [...servers] });
    } catch {
      // This browser does not accept these addresses. A path may be found without them.
    }
  }

  /**
   * Returns an adapted description: a decoder has two channels only when its description asks for them (RFC 7587 §6.1, `stereo`).
   */
  #described({ type, sdp = '' }: RTCSessionDescriptionInit): RTCSessionDescriptionInit {
    const { remoteDescription } = this.connection;
    const promised = type === 'answer' && promisesStereo(remoteDescription?.sdp ?? '');
    const stereo = this.#settings.stereo ?? (promised || undefined);
    return { type, sdp: stereo === undefined ? sdp : withOpusOptions(sdp, { stereo }) };
  }

  async #setRemote(type: 'offer' | 'answer', sdp: string): Promise<void> {
    try {
      await this.connection.setRemoteDescription({ type, sdp });
    } catch (cause) {
      const words = errorText(cause);
      const message = `The server’s ${type} is refused by this browser: ${words}`;
      throw new MicwireError('transport', message, { cause });
    }
  }

  /** Sets a description of this side, and waits until it has its candidates. */
  async #withCandidates(
    description: RTCSessionDescriptionInit,
  ): Promise<RTCSessionDescriptionInit> {
    const { connection } = this;
    await connection.setLocalDescription(description);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => resolve(), GATHER_MS);
      const look = (): void => {
        const isOver = connection.iceGatheringState === 'complete' || this.#state === 'closed';
        if (!isOver) return;
        clearTimeout(timer);
        connection.onicegatheringstatechange = null;
        resolve();
      };
      connection.onicegatheringstatechange = look;
      look();
    });
    return connection.localDescription ?? description;
  }

  #found(found: RTCIceCandidate | null): void {
    if (found !== null && found.candidate !== '') this.#candidates.push(found.candidate);
    // An empty candidate, null, or one after the other means that there are no more.
    else if (this.#gathered === 'no') this.#gathered = 'yes';
    void this.#trickle();
  }

  /** Sends candidates, one request after the other. Each request carries all candidates found during the previous one. */
  async #trickle(): Promise<void> {
    if (this.#isTrickling) return;
    this.#isTrickling = true;
    while (this.#canTrickle && (this.#candidates.length > 0 || this.#gathered === 'yes')) {
      const candidates = this.#candidates.splice(0);
      const isComplete = this.#gathered !== 'no';
      if (isComplete) this.#gathered = 'told';
      const sdp = this.connection.localDescription?.sdp ?? '';
      const { etag } = this.#resource;
      try {
        const status = await this.#resource.trickle(writeIceFragment(sdp, candidates, isComplete));
        // Results for an earlier ICE session are ignored (RFC 9725 §4.3.3).
        if (etag !== this.#resource.etag) continue;
        this.#trickleRefusal = status;
        if (status !== 0) this.#canTrickle = false;
      } catch {
        // A path may be found without them.
      }
    }
    this.#isTrickling = false;
  }

  async #restart(): Promise<void> {
    this.#checkOpen();
    if (!this.#wasConnected) {
      throw new MicwireError('transport', 'ICE can restart once it is connected: await connect().');
    }
    const { connection } = this;
    if (this.#isAnswerer || !this.#takesPatch) {
      const why = this.#isAnswerer ? 'has made the offer itself' : 'takes no PATCH';
      throw new MicwireError(
        'unsupported',
        `The server ${why}, so that ICE cannot restart. Close the session and connect again.`,
      );
    }
    const offer = this.#described(await connection.createOffer({ iceRestart: true }));
    // Set only when the server has agreed, so that there is never a need to roll back.
    const names = await this.#resource.restart(writeIceFragment(offer.sdp ?? '', [], false));
    const remote = connection.currentRemoteDescription?.sdp ?? '';
    const answer = withIceFragment(remote, fragmentOf(names));
    this.#checkOpen();
    // Candidates found from now on belong to the new user fragments.
    this.#canTrickle = false;
    this.#candidates = [];
    this.#gathered = 'no';
    await connection.setLocalDescription(offer);
    await this.#setRemote('answer', answer);
    this.#canTrickle = true;
    void this.#trickle();
  }

  #changed(): void {
    const { connectionState } = this.connection;
    if (connectionState === 'connected' && this.#state === 'connecting') {
      this.#deadline.end();
      this.#endAbort?.();
      this.#wasConnected = true;
      this.#become('connected');
      this.#connected.resolve();
    } else if (connectionState === 'failed') {
      if (this.#state === 'connected') this.#recover();
      else this.#fail(this.#lost());
    }
  }

  /** Looks for another path after the path is lost. */
  #recover(): void {
    this.#become('connecting');
    this.#limit();
    this.restartIce().catch((error: unknown) => {
      const message = `${this.#lost().message} ${error instanceof Error ? error.message : ''}`;
      this.#fail(new MicwireError('transport', message, { cause: error }));
    });
  }

  #lost(): MicwireError {
    const { message } = connectionFailed(this.#wasConnected);
    const status = this.#trickleRefusal;
    if (status === 0) return new MicwireError('transport', message);
    const words = `The server refuses candidates (HTTP status ${status}): try the option trickle: false.`;
    return new MicwireError('transport', `${message} ${words}`);
  }

  #limit(): void {
    const { connectTimeoutMs } = this.#settings;
    this.#deadline.wait(connectTimeoutMs, () => {
      const at = this.#canTrickle || this.connection.remoteDescription !== null;
      const what = at ? 'a way to the server was looked for (ICE)' : 'the server was asked';
      this.#fail(
        new MicwireError(
          'transport',
          `Not connected within ${connectTimeoutMs} ms, while ${what}.`,
        ),
      );
    });
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw closed();
  }

  #fail(error: unknown): void {
    if (this.#state === 'closed') return;
    const failure =
      error instanceof MicwireError
        ? error
        : new MicwireError('transport', `The session could not be made: ${String(error)}`, {
            cause: error,
          });
    this.#connected.reject(failure);
    this.#closing = this.#end(failure);
  }

  async #end(failure: MicwireError | null): Promise<void> {
    if (this.#state === 'closed') return;
    this.#deadline.end();
    this.#endAbort?.();
    globalThis.removeEventListener?.('pagehide', this.#onPageHide);
    const deleted = this.#resource.delete();
    this.#canTrickle = false;
    this.connection.onicecandidate = null;
    this.connection.onconnectionstatechange = null;
    this.release();
    this.connection.close();
    this.#connected.reject(closed());
    this.#ended.reject(closed());
    this.#become('closed');
    this.connection.onicegatheringstatechange?.(new Event('icegatheringstatechange'));
    if (failure !== null) this.dispatchEvent(new CustomEvent('error', { detail: failure }));
    await deleted;
  }

  #become(state: WhipState): void {
    this.#state = state;
    this.dispatchEvent(new Event('statechange'));
  }
}

function fragmentOf(text: string): IceFragment {
  try {
    return parseIceFragment(text);
  } catch (cause) {
    const words = cause instanceof PacketError ? cause.message : String(cause);
    throw new MicwireError('transport', `The server cannot restart ICE: ${words}`, { cause });
  }
}

function closed(): MicwireError {
  return new MicwireError('closed', 'The session was closed. To connect again, create another.');
}
