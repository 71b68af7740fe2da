/** The sound of a call within an AudioContext. */
export interface RemoteSound {
  readonly node: MediaStreamAudioSourceNode;
  /** Disconnects the node and lets go of the stream. */
  close(): void;
}

/**
 * Brings a remote track into a context. Chromium gives such a node no sound unless the stream is played by a media element as
 * well (crbug.com/40094084), so a muted one is kept for as long as it is open.
 */
export function openRemoteSound(context: AudioContext, track: MediaStreamTrack): RemoteSound {
  const stream = new MediaStream([track]);
  const element = new Audio();
  element.muted = true;
  element.srcObject = stream;
  // Muted sound may play without a gesture; where it may not, other engines do not need it.
  void element.play().catch(() => {});
  const node = context.createMediaStreamSource(stream);
  return {
    node,
    close() {
      node.disconnect();
      element.pause();
      element.srcObject = null;
    },
  };
}
