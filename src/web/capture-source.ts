import { describe } from '../core/arguments.ts';
import { MicwireError } from '../core/errors.ts';
import { contextClosed } from './context-life.ts';
import { playMuted } from './play-muted.ts';

/** Where audio comes from. */
export type CaptureSource = MediaStreamTrack | MediaStream | AudioNode;

/** A source as a node of the context. */
export interface OpenSource {
  readonly node: AudioNode;
  /** The track behind it; null where the source is a node without one. */
  readonly track: MediaStreamTrack | null;
  /** Gives back what it took to hear the track. The track itself goes on. */
  release(): void;
}

/**
 * Makes a node of a source. The user's track is never stopped.
 * @throws TypeError for what is no source; MicwireError `'no-audio'` when there is no live audio track, `'unsupported'` when
 * the engine refuses the track in this context
 */
export function openSource(context: BaseAudioContext, source: CaptureSource): OpenSource {
  if (typeof source !== 'object' || source === null) throw notASource(source);
  // By form, not by class: libraries wrap contexts and nodes.
  if ('connect' in source && 'context' in source) {
    const behind = trackOf(source);
    return { node: source, track: behind, release: makeAudible(behind) };
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
      'This context takes no tracks: an OfflineAudioContext captures nodes only.',
    );
  }
  const release = makeAudible(track);
  try {
    const stream = new MediaStream([track]);
    return { node: (context as AudioContext).createMediaStreamSource(stream), track, release };
  } catch (cause) {
    release();
    throw refused(context, cause);
  }
}

/**
 * Connects an open source.
 * @throws MicwireError `'unsupported'` when the engine refuses
 */
export function connectSource(source: OpenSource, target: AudioNode): void {
  try {
    source.node.connect(target);
  } catch (cause) {
    throw refused(target.context, cause);
  }
}

/** Disconnects a source and releases it. One that the user has disconnected, or connected elsewhere too, stays so. */
export function disconnectSource(source: OpenSource, target: AudioNode): void {
  source.release();
  try {
    source.node.disconnect(target);
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

function liveTrack(stream: MediaStream): MediaStreamTrack {
  const track = stream.getAudioTracks().find(({ readyState }) => readyState === 'live');
  if (track === undefined) {
    throw new MicwireError('no-audio', 'The stream has no live audio track.');
  }
  return track;
}

/** Older Firefoxes take a microphone only into a context of its own rate. */
function refused(context: BaseAudioContext, cause: unknown): MicwireError {
  // A context that is closing says nothing else (Chromium 156).
  const closing = cause instanceof DOMException && cause.name === 'InvalidStateError';
  if (closing || context.state === 'closed') return contextClosed(cause);
  return new MicwireError(
    'unsupported',
    `The engine refused the source in this context of ${context.sampleRate} Hz. Make the AudioContext without a sampleRate, in this window; capture resamples by itself.`,
    { cause },
  );
}

function notASource(source: unknown): TypeError {
  return new TypeError(
    `source must be a MediaStreamTrack, a MediaStream or an AudioNode, got ${describe(source)}.`,
  );
}
