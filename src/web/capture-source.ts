import { describe } from '../core/arguments.ts';
import { MicwireError } from '../core/errors.ts';
import { contextClosed } from './context-life.ts';
import { Interruption } from './context-resume.ts';

/** How a capture hears a {@link LivingSource}. */
export interface SourceFeed {
  /** Index of the source node's output that carries the audio, even while nobody talks. */
  readonly output: number;
  /** Index of the source node's output that signals whether audio is present: see `presence.ts`. */
  readonly presenceOutput: number;
  /** Milliseconds of audio from before each press of push-to-talk. */
  readonly preRollMs: number;
  /** Keeps the unfinished chunk while nobody talks, to be filled with the audio that follows. @internal */
  readonly holdPauses?: boolean;
}

/** A source that outlives its tracks: a `Microphone`. */
export interface LivingSource {
  /** The node of the source. Its first output is for any use; `captureFeed` names the outputs for captures. */
  readonly node: AudioNode;
  readonly captureFeed: SourceFeed;
  /** State of the source. A `Microphone` is `'live'` while it delivers audio, and `'closed'` at the end. */
  readonly state: string;
  addEventListener(type: 'statechange', listener: () => void): void;
  removeEventListener(type: 'statechange', listener: () => void): void;
}

/** Source of a capture's audio. */
export type CaptureSource = MediaStreamTrack | MediaStream | AudioNode | LivingSource;

/** A source as a node of the context. */
export interface OpenSource {
  readonly node: AudioNode;
  /** The track behind the source; null for a node without a track. */
  readonly track: MediaStreamTrack | null;
  /** The source, if it outlives its tracks; otherwise null. */
  readonly living: LivingSource | null;
  /** Releases what was created to hear the track. The track itself continues. */
  release(): void;
}

/**
 * Creates a node for a source. The user's track is never stopped.
 * @throws TypeError for a value that is not a source; MicwireError `'no-audio'` when there is no live audio track, `'unsupported'`
 * when the engine refuses the track in this context
 */
export function openSource(context: BaseAudioContext, source: CaptureSource): OpenSource {
  if (typeof source !== 'object' || source === null) throw notASource(source);
  // Checked by shape, not by class: libraries wrap contexts and nodes, and apps without a microphone do not ship its class.
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
 * Connects an open source to `target`. If `target` has a second input, the presence signal is connected to it.
 * @throws MicwireError `'unsupported'` when the engine refuses
 */
export function connectSource({ node, living }: OpenSource, target: AudioNode): void {
  try {
    if (living === null || target.numberOfInputs < 2) {
      node.connect(target);
      return;
    }
    // In this order: a capture begins at the presence signal, and the audio must be connected by then.
    node.connect(target, living.captureFeed.output, 0);
    node.connect(target, living.captureFeed.presenceOutput, 1);
  } catch (cause) {
    throw refused(target.context, cause);
  }
}

/**
 * Connects a source in place of another one, and releases the old one.
 * @param tell called with the source that is about to be connected, before it is
 * @throws as {@link openSource} and {@link connectSource}: the old source then stays connected
 */
export function replaceSource(
  before: OpenSource | null,
  source: CaptureSource,
  target: AudioNode,
  tell?: (source: OpenSource) => void,
): OpenSource {
  const opened = openSource(target.context, source);
  tell?.(opened);
  // Never both at once, not even for a quantum: their audio and their presence signals would be added together.
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

/** Disconnects a source from `target` and releases it. Connections that the user has removed or added are left as they are. */
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
 * Finds the track of a MediaStreamAudioSourceNode, which uses the first track by id, in order of code units (Web Audio §1.24).
 * WebKitGTK 2.50 uses the first track of its list, in an order it does not specify; only the engine's name reveals this.
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
 * Plays a remote track through a muted element as well; otherwise its nodes are silent in Chromium (crbug.com/40094084).
 * @returns a function that stops the playback
 */
function makeAudible(track: MediaStreamTrack | null): () => void {
  return track !== null && mayBeRemote(track) ? playMuted(new MediaStream([track])) : () => {};
}

/**
 * Guesses whether a track is remote, which the track itself does not say. Chromium 156 gives remote tracks their own id as
 * `deviceId`, and all engines give them and their clones this label; local tracks have a device. Playing a local track muted does
 * no harm.
 */
function mayBeRemote(track: MediaStreamTrack): boolean {
  if (track.label === 'remote audio') return true;
  const deviceId = track.getSettings?.().deviceId;
  return deviceId === undefined || deviceId === '' || deviceId === track.id;
}

/** Returns the first live audio track. @throws MicwireError `'no-audio'` */
export function liveTrack(stream: MediaStream): MediaStreamTrack {
  const track = stream.getAudioTracks().find(({ readyState }) => readyState === 'live');
  if (track === undefined) {
    throw new MicwireError('no-audio', 'The stream has no live audio track.');
  }
  return track;
}

/**
 * Explains why an engine created no node for a stream. Older versions of Firefox accept a microphone only in a context with the
 * microphone's rate.
 * @returns `'closed'` or `'unsupported'`
 */
export function refused(context: BaseAudioContext, cause: unknown): MicwireError {
  // A context that is closing gives no other sign (Chromium 156).
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
 * State of a capture. `'running'`: audio is captured; `'suspended'`: the context is suspended or interrupted, no time passes;
 * `'muted'`: the source delivers silence, or a microphone has no device; `'ended'`: the track has ended, or the microphone is
 * closed; `'closed'`: closed by `close()`, with its context, or by an error.
 */
export type CaptureState = 'running' | 'suspended' | 'muted' | 'ended' | 'closed';

/** Follows the state of the context, and of the track or the microphone. */
export class SourceWatch {
  readonly #context: BaseAudioContext;
  readonly #track: MediaStreamTrack | null;
  readonly #living: LivingSource | null;
  readonly #changed: () => void;
  readonly #interruption: Interruption;
  #ended = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param changed called after every event of the context or the source */
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

/** Interval at which a track's state is polled, in ms. */
const LOOK_MS = 1000;
const TRACK_EVENTS = ['ended', 'mute', 'unmute'] as const;

/**
 * Plays a stream through a muted media element. In Chromium a node of a remote track is silent unless an element plays the track as
 * well (crbug.com/40094084).
 * @returns a function that stops the playback
 */
export function playMuted(stream: MediaStream): () => void {
  if (typeof Audio !== 'function') return () => {};
  const element = new Audio();
  element.muted = true;
  element.srcObject = stream;
  // Muted audio may play without a gesture. The engines that refuse even this do not need the element.
  element.play().catch(() => {});
  return () => {
    element.pause();
    element.srcObject = null;
  };
}
