import { describe } from '../core/arguments.ts';
import { MicwireError } from '../core/errors.ts';
import { contextClosed } from './context-life.ts';

/** Where audio comes from. */
export type CaptureSource = MediaStreamTrack | MediaStream | AudioNode;

/** A source as a node of the context. */
export interface OpenSource {
  readonly node: AudioNode;
  /** The track behind it; null where the source is a node without one. */
  readonly track: MediaStreamTrack | null;
}

/**
 * Makes a node of a source. The user's track is never stopped.
 * @throws TypeError for what is no source; MicwireError `'no-audio'` when there is no live audio track, `'unsupported'` when
 * the engine refuses the track in this context
 */
export function openSource(context: BaseAudioContext, source: CaptureSource): OpenSource {
  if (typeof source !== 'object' || source === null) throw notASource(source);
  // By form, not by class: libraries wrap contexts and nodes.
  if ('connect' in source && 'context' in source) return { node: source, track: trackOf(source) };
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
  try {
    const stream = new MediaStream([track]);
    return { node: (context as AudioContext).createMediaStreamSource(stream), track };
  } catch (cause) {
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

/** Disconnects a source. One that the user has disconnected, or connected elsewhere too, stays so. */
export function disconnectSource(source: OpenSource, target: AudioNode): void {
  try {
    source.node.disconnect(target);
  } catch {
    // Not connected any more (Web Audio §1.5.3, InvalidAccessError).
  }
}

/** Of a MediaStreamAudioSourceNode, which takes the first of its stream. */
function trackOf(node: AudioNode): MediaStreamTrack | null {
  if (!('mediaStream' in node)) return null;
  return (node as MediaStreamAudioSourceNode).mediaStream.getAudioTracks()[0] ?? null;
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
