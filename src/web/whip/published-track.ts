import { describe } from '../../core/arguments.ts';
import { liveTrack } from '../capture-source.ts';
import type { CaptureSource } from '../capture-source.ts';

/** The audio to send, as a track. */
export interface PublishedTrack {
  readonly track: MediaStreamTrack;
  /** Releases what was created for the track. The source itself continues. */
  release(): void;
}

/**
 * Creates a track for a source.
 * @param channels number of channels of a track that is created from a node
 * @throws TypeError for a value that is not a source; MicwireError `'no-audio'` for a stream without live audio
 */
export function publishedTrack(source: CaptureSource, channels: number): PublishedTrack {
  const isObject = typeof source === 'object' && source !== null;
  if (isObject && 'readyState' in source && 'kind' in source) {
    return { track: source, release() {} };
  }
  if (isObject && 'getAudioTracks' in source) return { track: liveTrack(source), release() {} };
  const node = isObject && 'captureFeed' in source ? source.node : source;
  if (!isObject || !('connect' in node) || !('context' in node)) {
    throw new TypeError(
      `source must be a Microphone, a MediaStreamTrack, a MediaStream or an AudioNode, got ${describe(source)}.`,
    );
  }
  const context = node.context as AudioContext;
  const destination = new MediaStreamAudioDestinationNode(context, { channelCount: channels });
  node.connect(destination);
  const [track] = destination.stream.getAudioTracks();
  return {
    track: track!,
    release() {
      track!.stop();
      try {
        node.disconnect(destination);
      } catch {
        // Not connected any more (Web Audio §1.5.3, InvalidAccessError).
      }
    },
  };
}
