import { describe } from '../../core/arguments.ts';
import { liveTrack } from '../capture-source.ts';
import type { CaptureSource } from '../capture-source.ts';

/** What is sent, as a track. */
export interface PublishedTrack {
  readonly track: MediaStreamTrack;
  /** Gives back what it took to make one. The source itself continues. */
  release(): void;
}

/**
 * Makes a track of a source.
 * @param channels of the track that is made of a node
 * @throws TypeError for anything but a source; MicwireError `'no-audio'` for a stream without live audio
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
