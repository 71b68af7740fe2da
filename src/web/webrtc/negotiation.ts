import type { CallRole, SignalMessage } from '../../core/webrtc/signal-message.ts';
import { promisesStereo, withOpusOptions } from '../../core/webrtc/opus-sdp.ts';
import { MicwireError, errorText } from '../../core/errors.ts';
import type { CallRecord } from './call-record.ts';
import { transceiverText } from './call-audio.ts';
import type { CallSettings } from './call-options.ts';
import type { Signalling } from './signalling.ts';
import { Patience, deferred } from '../patience.ts';
import type { Deferred } from '../patience.ts';

/**
 * How long the other side may take to agree on a restart, in ms: enough for some round trips, or for the signalling to reconnect.
 */
const RESTART_ANSWER_MS = 10_000;

/** Events of a negotiation that matter to its call. */
export interface NegotiationListener {
  /** Called when the other side's offer is in place: this side's audio must be set up before the answer. */
  prepareAnswer(): void;
  /** Called when ICE restarts: the offer with new user fragments is on its way, from this side or the other. */
  restarting(): void;
  /** Called when the callee asks for a restart. */
  restartAsked(): void;
  /** Called when the other side hangs up. */
  bye(reason: string): void;
  failed(error: MicwireError): void;
}

/**
 * Exchanges offer, answer and candidates (RFC 9429): once, and again for each restart of ICE. Only the caller makes offers, so that
 * two offers cannot collide; the callee asks for one. Signalling that was interrupted may have lost messages: each side then sends
 * its latest ones again, and ignores those that it has received already.
 */
export class Negotiation {
  /** The last offer as it was sent; null until then. */
  offer: string | null = null;
  /** The last answer as it was sent; null until then. */
  answer: string | null = null;
  readonly #connection: RTCPeerConnection;
  readonly #signalling: Signalling;
  readonly #settings: CallSettings;
  readonly #record: CallRecord;
  readonly #listener: NegotiationListener;
  /** This side's description, from when it is in place until it is answered, and the candidates found for it. */
  #round: SignalMessage[] = [];
  /** Whether the round has been sent: its candidates follow the description. */
  #isSent = false;
  /** Tail of the queue of messages, which are handled one after another. */
  #queue: Promise<void> = Promise.resolve();
  #ended = false;
  #role: CallRole | null = null;
  /** True while an offer of this side waits for its answer. */
  #awaitsAnswer = false;
  /** Settles when both sides have agreed on the current restart. */
  #restart: Deferred<void> | null = null;
  readonly #restartDeadline = new Patience();

  constructor(
    connection: RTCPeerConnection,
    signalling: Signalling,
    settings: CallSettings,
    record: CallRecord,
    listener: NegotiationListener,
  ) {
    this.#connection = connection;
    this.#signalling = signalling;
    this.#settings = settings;
    this.#record = record;
    this.#listener = listener;
  }

  /** Begins the negotiation; called when both peers are present. */
  begin(role: CallRole): void {
    this.#role = role;
    this.#record.met('signal');
    this.#record.note('signal', `both sides are there; this one is the ${role}`);
    this.#connection.onicecandidate = ({ candidate }) => this.#found(candidate);
    this.#signalling.addEventListener('message', this.#onMessage);
    if (role === 'caller') this.#enqueue(() => this.#makeOffer());
  }

  /**
   * Restarts ICE, or asks the caller to. Resolves when both sides have agreed; a call during a restart joins that restart.
   * @throws MicwireError `'transport'` when they have not agreed after {@link RESTART_ANSWER_MS}; `'closed'`
   */
  restartIce(): Promise<void> {
    if (this.#restart !== null) return this.#restart.promise;
    const restart = deferred<void>();
    this.#restart = restart;
    this.#restartDeadline.wait(RESTART_ANSWER_MS, () => this.#endRestart(restartTooLate()));
    if (this.#role === 'callee') this.#askRestart();
    // An unanswered offer could still be answered after a newer one.
    else if (this.#awaitsAnswer) this.#sendRound();
    else this.#enqueue(() => this.#makeOffer({ iceRestart: true }));
    return restart.promise;
  }

  /** Called when messages can be delivered again; this side's last messages may be lost. */
  signallingBack(): void {
    if (this.#isSent) this.#sendRound();
    if (this.#role === 'callee' && this.#restart !== null) this.#askRestart();
  }

  #askRestart(): void {
    this.#signalling.send({ type: 'restart' });
  }

  end(): void {
    this.#ended = true;
    this.#endRestart(new MicwireError('closed', 'The call has ended.'));
    this.#connection.onicecandidate = null;
    this.#signalling.removeEventListener('message', this.#onMessage);
  }

  readonly #onMessage = ({ data }: MessageEvent<SignalMessage>): void =>
    this.#enqueue(() => this.#received(data));

  #enqueue(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#ended) return;
      try {
        await work();
      } catch (error) {
        if (!this.#ended) this.#listener.failed(asMicwireError(error));
      }
    });
  }

  async #makeOffer(options: RTCOfferOptions = {}): Promise<void> {
    const isRestart = options.iceRestart === true;
    if (isRestart) this.#listener.restarting();
    this.#record.update('createOffer', isRestart ? 'options: {iceRestart: true}' : '');
    const offer = await this.#connection.createOffer(options);
    this.#record.update('createOfferOnSuccess', descriptionText('offer', offer.sdp));
    this.#awaitsAnswer = true;
    await this.#describe('offer', offer.sdp ?? '');
  }

  async #makeAnswer(): Promise<void> {
    this.#record.update('createAnswer');
    const answer = await this.#connection.createAnswer();
    this.#record.update('createAnswerOnSuccess', descriptionText('answer', answer.sdp));
    await this.#describe('answer', answer.sdp ?? '');
    this.#agreed();
  }

  async #describe(kind: 'offer' | 'answer', made: string): Promise<void> {
    // A decoder has two channels only when its own description asks for them (RFC 7587 §6.1, `stereo`).
    const promised = kind === 'answer' && promisesStereo(this.offer ?? '');
    const stereo = this.#settings.opus.stereo ?? (promised || undefined);
    const sdp = stereo === undefined ? made : withOpusOptions(made, { stereo });
    this.#record.update('setLocalDescription', descriptionText(kind, sdp));
    this.#record.begin('ice');
    // Candidates found from now on belong to it.
    this.#round = [];
    this.#isSent = false;
    await this.#connection.setLocalDescription({ type: kind, sdp });
    if (this.#ended) return;
    this.#record.update('setLocalDescriptionOnSuccess');
    noteTransceivers(this.#connection, this.#record, 'setLocalDescription');
    this[kind] = sdp;
    this.#round.unshift({ type: 'describe', kind, sdp });
    this.#isSent = true;
    this.#sendRound();
  }

  #sendRound(): void {
    for (const message of this.#round) {
      this.#signalling.send(message);
      if (message.type !== 'describe') continue;
      this.#record.note('signal', `${message.kind} sent, ${message.sdp.length} characters`);
    }
  }

  async #received(message: SignalMessage): Promise<void> {
    switch (message.type) {
      case 'describe':
        return this.#described(message.kind, message.sdp);
      case 'candidate':
        return this.#tryCandidate(message.candidate, message.mid, message.index);
      case 'restart':
        // A request that has crossed an offer of this side is satisfied by that offer.
        if (this.#role === 'caller' && this.#restart === null) this.#listener.restartAsked();
        return;
      case 'bye':
        this.#listener.bye(message.reason);
    }
  }

  async #described(kind: 'offer' | 'answer', sdp: string): Promise<void> {
    const isRepeated = sdp === this[kind];
    const isExpected =
      this.#role === 'caller'
        ? kind === 'answer' && this.#awaitsAnswer && !isRepeated
        : kind === 'offer';
    if (!isExpected) {
      this.#record.note('signal', `${kind} out of turn, ignored`);
      return;
    }
    if (isRepeated) {
      // The caller has not received the answer.
      this.#sendRound();
      this.#agreed();
      return;
    }
    this.#awaitsAnswer = false;
    const isFirst = this[kind] === null;
    this[kind] = sdp;
    if (kind === 'offer' && !isFirst) this.#listener.restarting();
    this.#record.note('signal', `${kind} received, ${sdp.length} characters`);
    const applied = withOpusOptions(sdp, this.#settings.opus);
    this.#record.update('setRemoteDescription', descriptionText(kind, applied));
    try {
      await this.#connection.setRemoteDescription({ type: kind, sdp: applied });
    } catch (cause) {
      this.#record.update('setRemoteDescriptionOnFailure', errorText(cause));
      throw new MicwireError(
        'transport',
        `The other side’s ${kind} is refused by this browser: ${errorText(cause)}`,
        { cause },
      );
    }
    if (this.#ended) return;
    this.#record.update('setRemoteDescriptionOnSuccess');
    noteTransceivers(this.#connection, this.#record, 'setRemoteDescription');
    if (kind === 'answer') {
      // The offer must not be sent again.
      this.#round.shift();
      return this.#agreed();
    }
    // Changes that the app has made to its tracks since then are kept.
    if (isFirst) this.#listener.prepareAnswer();
    await this.#makeAnswer();
  }

  #agreed(): void {
    this.#record.note('signal', 'both sides have offer and answer');
    this.#record.end('signal');
    this.#endRestart(null);
  }

  #endRestart(error: MicwireError | null): void {
    this.#restartDeadline.end();
    const restart = this.#restart;
    this.#restart = null;
    if (error === null) restart?.resolve();
    else restart?.reject(error);
  }

  /** Adds a candidate. A candidate that cannot be used is ignored, because there are others. */
  async #tryCandidate(candidate: string, mid: string | null, index: number | null): Promise<void> {
    this.#record.update('addIceCandidate', candidateText(candidate, mid, index));
    const words = candidate === '' ? 'no more candidates of the other side' : `got ${candidate}`;
    this.#record.note('ice', words);
    try {
      await this.#connection.addIceCandidate({ candidate, sdpMid: mid, sdpMLineIndex: index });
    } catch (error) {
      this.#record.note('ice', `candidate refused: ${errorText(error)}`);
      this.#record.update('addIceCandidateFailed', errorText(error));
    }
  }

  #found(found: RTCIceCandidate | null): void {
    // Null means the same as the empty candidate before it, which some engines leave out; it need not be sent.
    if (found === null) return;
    const { candidate, sdpMid: mid, sdpMLineIndex: index } = found;
    this.#record.update('icecandidate', candidateText(candidate, mid, index));
    this.#record.note('ice', candidate === '' ? 'no more candidates' : `found ${candidate}`);
    const message: SignalMessage = { type: 'candidate', candidate, mid, index };
    this.#round.push(message);
    if (this.#isSent) this.#signalling.send(message);
  }
}

/** Records for tools the state of each audio or video section, as webrtc-internals does. */
function noteTransceivers(
  connection: RTCPeerConnection,
  record: CallRecord,
  cause: 'setLocalDescription' | 'setRemoteDescription',
): void {
  connection.getTransceivers().forEach((transceiver, index) => {
    const words = `Caused by: ${cause}\n\n${transceiverText(transceiver, index)}`;
    record.update('transceiverModified', words);
  });
}

function descriptionText(kind: 'offer' | 'answer', sdp: string | undefined): string {
  return `type: ${kind}, sdp: ${sdp ?? ''}`;
}

function candidateText(candidate: string, mid: string | null, index: number | null): string {
  return `sdpMid: ${mid ?? ''}, sdpMLineIndex: ${index ?? ''}, candidate: ${candidate}`;
}

function restartTooLate(): MicwireError {
  return new MicwireError(
    'transport',
    `The other side has not answered the restart of ICE within ${RESTART_ANSWER_MS} ms. Call restartIce() again once the ` +
      'signalling works; a late answer still counts.',
  );
}

function asMicwireError(error: unknown): MicwireError {
  if (error instanceof MicwireError) return error;
  const message = `The call could not be negotiated: ${errorText(error)}`;
  return new MicwireError('transport', message, { cause: error });
}
