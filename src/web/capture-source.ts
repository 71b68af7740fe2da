import { describe } from '../core/arguments.ts';
import { MicwireError } from '../core/errors.ts';
import { contextClosed } from './context-life.ts';
import { Interruption } from './context-resume.ts';

/** How a capture hears a {@link LivingSource}. */
export interface SourceFeed {
  /** Output of the source's node with the audio, also while nobody talks. */
  readonly output: number;
  /** Output of the source's node that says whether the audio is there: see `presence.ts`. */
  readonly presenceOutput: number;
  /** Milliseconds of audio from before each press of push-to-talk. */
  readonly preRollMs: number;
  /** Keeps the unfinished chunk while nobody talks: what follows fills it. @internal */
  readonly holdPauses?: boolean;
}

/** A source that outlives its tracks: a `Microphone`. */
export interface LivingSource {
  /** Its first output is for everyone; `captureFeed` names those for captures. */
  readonly node: AudioNode;
  readonly captureFeed: SourceFeed;
  /** Of a `Microphone`: `'live'` while audio comes, `'closed'` at the end. */
  readonly state: string;
  addEventListener(type: 'statechange', listener: () => void): void;
  removeEventListener(type: 'statechange', listener: () => void): void;
}

/** Source of a capture's audio. */
export type CaptureSource = MediaStreamTrack | MediaStream | AudioNode | LivingSource;

/** A source as a node of the context. */
export interface OpenSource {
  readonly node: AudioNode;
  /** The track behind it; null where the source is a node without one. */
  readonly track: MediaStreamTrack | null;
  /** The source, where it outlives its tracks. */
  readonly living: LivingSource | null;
  /** Gives back what it took to hear the track. The track itself continues. */
  release(): void;
}

/**
 * Makes a node of a source. The user's track is never stopped.
 * @throws TypeError for anything but a source; MicwireError `'no-audio'` when there is no live audio track, `'unsupported'` when
 * the engine refuses the track in this context
 */
export function openSource(context: BaseAudioContext, source: CaptureSource): OpenSource {
  if (typeof source !== 'object' || source === null) throw notASource(source);
  // By form, not by class: libraries wrap contexts and nodes, and apps without a microphone ship no class for it.
  if ('captureFeed' in source) return livingSource(source);
  if ('connect' in source && 'context' in source) {
    const behind = trackOf(source);
    return { node: source, track: behind, living: null, release: makeAudible(behind) };
  }
  const track = 'getAudioTracks' in source ? liveTrack(source) : source;
  if (!('readyState' in track) || !('kind' in track)) throw notASource(source);
  if (track.kind !== 'audio' || track.readyState === 'ended') {
    const what = track.kind === 'audio' ? 'has ended' : `is a ${track.kind} track`;
    throw new MicwireError('no-audio', `The track ${what}. Capture a live audio track.`);
  }
  if (!('createMediaStreamSource' in context)) {
    throw new MicwireError(
      'unsupported',
      'This context cannot take tracks: an OfflineAudioContext captures only nodes.',
    );
  }
  const release = makeAudible(track);
  try {
    const stream = new MediaStream([track]);
    const node = (context as AudioContext).createMediaStreamSource(stream);
    return { node, track, living: null, release };
  } catch (cause) {
    release();
    throw refused(context, cause);
  }
}

function livingSource(living: LivingSource): OpenSource {
  if (living.state === 'closed') {
    throw new MicwireError('no-audio', 'The microphone is closed. Open another one.');
  }
  return { node: living.node, track: null, living, release: () => {} };
}

/**
 * Connects an open source: to a second input of `target`, if it has one, what says whether the audio is there.
 * @throws MicwireError `'unsupported'` when the engine refuses
 */
export function connectSource({ node, living }: OpenSource, target: AudioNode): void {
  try {
    if (living === null || target.numberOfInputs < 2) {
      node.connect(target);
      return;
    }
    // In this order: a capture begins where it hears of presence, and the audio must be there by then.
    node.connect(target, living.captureFeed.output, 0);
    node.connect(target, living.captureFeed.presenceOutput, 1);
  } catch (cause) {
    throw refused(target.context, cause);
  }
}

/**
 * Connects another source in place of one, and releases that.
 * @param tell is told which of the two it is, before it is connected
 * @throws as {@link openSource} and {@link connectSource}: the source before stays connected
 */
export function replaceSource(
  before: OpenSource | null,
  source: CaptureSource,
  target: AudioNode,
  tell?: (source: OpenSource) => void,
): OpenSource {
  const opened = openSource(target.context, source);
  tell?.(opened);
  // Not both at once, not even for a quantum: their audio, and what they tell of their presence, would be added up.
  if (before !== null) disconnect(before.node, target);
  try {
    connectSource(opened, target);
  } catch (error) {
    opened.release();
    if (before !== null) {
      tell?.(before);
      connectSource(before, target);
    }
    throw error;
  }
  before?.release();
  return opened;
}

/** Disconnects a source and releases it. One that the user has disconnected, or connected elsewhere too, stays so. */
export function disconnectSource(source: OpenSource, target: AudioNode): void {
  source.release();
  disconnect(source.node, target);
}

function disconnect(node: AudioNode, target: AudioNode): void {
  try {
    node.disconnect(target);
  } catch {
    // Not connected any more (Web Audio §1.5.3, InvalidAccessError).
  }
}

/**
 * Of a MediaStreamAudioSourceNode, which takes the first by id, in order of code units (Web Audio §1.24). WebKitGTK 2.50 takes
 * the first of its list, whose order is its own; nothing but its name tells it.
 */
function trackOf(node: AudioNode): MediaStreamTrack | null {
  if (!('mediaStream' in node)) return null;
  const tracks = (node as MediaStreamAudioSourceNode).mediaStream.getAudioTracks();
  if ('webkitConvertPointFromNodeToPage' in globalThis) return tracks[0] ?? null;
  let first: MediaStreamTrack | null = null;
  for (const track of tracks) if (first === null || track.id < first.id) first = track;
  return first;
}

/**
 * Plays a remote track by a muted element as well, without which Chromium gives its nodes silence (crbug.com/40094084).
 * @returns ends it
 */
function makeAudible(track: MediaStreamTrack | null): () => void {
  return track !== null && mayBeRemote(track) ? playMuted(new MediaStream([track])) : () => {};
}

/**
 * A track does not say where it comes from. Chromium 156 gives remote ones their own id as `deviceId`, and all engines this
 * label, also to their clones; local ones have a device. To play another one mutedly does no harm.
 */
function mayBeRemote(track: MediaStreamTrack): boolean {
  if (track.label === 'remote audio') return true;
  const deviceId = track.getSettings?.().deviceId;
  return deviceId === undefined || deviceId === '' || deviceId === track.id;
}

/** The first live audio track. @throws MicwireError `'no-audio'` */
export function liveTrack(stream: MediaStream): MediaStreamTrack {
  const track = stream.getAudioTracks().find(({ readyState }) => readyState === 'live');
  if (track === undefined) {
    throw new MicwireError('no-audio', 'The stream has no live audio track.');
  }
  return track;
}

/**
 * Why an engine makes no node of a stream. Older Firefoxes take a microphone only into a context of its own rate.
 * @returns `'closed'` or `'unsupported'`
 */
export function refused(context: BaseAudioContext, cause: unknown): MicwireError {
  // A context that is closing says nothing else (Chromium 156).
  const closing = cause instanceof DOMException && cause.name === 'InvalidStateError';
  if (closing || context.state === 'closed') return contextClosed(cause);
  return new MicwireError(
    'unsupported',
    `The engine refused the source in this context of ${context.sampleRate} Hz. Create the AudioContext without a sampleRate, in this window: micwire resamples.`,
    { cause },
  );
}

function notASource(source: unknown): TypeError {
  return new TypeError(
    `source must be a MediaStreamTrack, a MediaStream, an AudioNode or a Microphone, got ${describe(source)}.`,
  );
}

/**
 * State of a capture:
 * `'running'`; `'suspended'`: the context is suspended or interrupted, no time passes; `'muted'`: the source delivers
 * silence, or a microphone has no device; `'ended'`: the track is over, or the microphone closed; `'closed'`: by `close()`,
 * with its context, or by an error.
 */
export type CaptureState = 'running' | 'suspended' | 'muted' | 'ended' | 'closed';

/** Follows the context, and the track or the microphone. */
export class SourceWatch {
  readonly #context: BaseAudioContext;
  readonly #track: MediaStreamTrack | null;
  readonly #living: LivingSource | null;
  readonly #changed: () => void;
  readonly #interruption: Interruption;
  #ended = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param changed called after every event of either */
  constructor(
    context: BaseAudioContext,
    { track, living }: Pick<OpenSource, 'track' | 'living'>,
    changed: () => void,
  ) {
    this.#context = context;
    this.#track = track;
    this.#living = living;
    this.#changed = changed;
    this.#interruption = new Interruption(context);
    context.addEventListener('statechange', this.#onContext);
    living?.addEventListener('statechange', changed);
    for (const type of TRACK_EVENTS) track?.addEventListener(type, this.#onTrack);
    // A track that the page itself stops fires no event (Media Capture §4.3.1).
    if (track !== null) this.#timer = setInterval(() => this.#lookAtTrack(track), LOOK_MS);
  }

  /** The state of the source, as if the capture were open. */
  get state(): CaptureState {
    const contextState: string = this.#context.state;
    if (contextState === 'closed') return 'closed';
    const living = this.#living?.state ?? 'live';
    if (this.#ended || this.#track?.readyState === 'ended' || living === 'closed') return 'ended';
    if (contextState !== 'running') return 'suspended';
    return this.#track?.muted === true || living !== 'live' ? 'muted' : 'running';
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#context.removeEventListener('statechange', this.#onContext);
    this.#living?.removeEventListener('statechange', this.#changed);
    for (const type of TRACK_EVENTS) this.#track?.removeEventListener(type, this.#onTrack);
  }

  #lookAtTrack({ readyState }: MediaStreamTrack): void {
    if (readyState !== 'ended') return;
    clearInterval(this.#timer);
    this.#changed();
  }

  readonly #onTrack = ({ type }: Event): void => {
    this.#ended ||= type === 'ended';
    this.#changed();
  };

  readonly #onContext = (): void => {
    void this.#interruption.changed();
    this.#changed();
  };
}

/** How often a track is looked at, ms. */
const LOOK_MS = 1000;
const TRACK_EVENTS = ['ended', 'mute', 'unmute'] as const;

/**
 * Plays a stream by a muted media element. Chromium gives a node of a remote track no sound unless an element plays it as well
 * (crbug.com/40094084).
 * @returns ends it
 */
export function playMuted(stream: MediaStream): () => void {
  if (typeof Audio !== 'function') return () => {};
  const element = new Audio();
  element.muted = true;
  element.srcObject = stream;
  // Muted sound may play without a gesture; where it may not, other engines do not need it.
  element.play().catch(() => {});
  return () => {
    element.pause();
    element.srcObject = null;
  };
}
