import { playMuted } from '../play-muted.ts';

/** The sound of a call within an AudioContext. */
export interface RemoteSound {
  readonly node: MediaStreamAudioSourceNode;
  /** Disconnects the node and lets go of the stream. */
  close(): void;
}

/** Brings a remote track into a context. */
export function openRemoteSound(context: AudioContext, track: MediaStreamTrack): RemoteSound {
  const stream = new MediaStream([track]);
  const endPlaying = playMuted(stream);
  const node = context.createMediaStreamSource(stream);
  return {
    node,
    close() {
      node.disconnect();
      endPlaying();
    },
  };
}
