import { MicwireError } from '../../core/errors.ts';
import { withOpusOptions } from '../../core/webrtc/opus-sdp.ts';
import { deferred } from '../patience.ts';

/** How long a connection within one page may take, in ms. */
const CONNECT_MS = 5000;

/** Transparent quality for speech and music; the connection never leaves the machine. */
const QUALITY = { bitrate: 256_000, stereo: true, dtx: false, fec: false } as const;

/** A stream received through a call. */
export interface CalledStream {
  readonly stream: MediaStream;
  /** Ends the call. */
  close(): void;
}

/**
 * Sends a stream through a call between two RTCPeerConnections of this page, for echo cancellers that only hear calls
 * (crbug.com/40504498, formerly 687574).
 * @throws MicwireError `'unsupported'` where there are no calls, or a page cannot call itself
 */
export async function callThrough(stream: MediaStream): Promise<CalledStream> {
  if (typeof RTCPeerConnection !== 'function') {
    throw new MicwireError('unsupported', 'This browser has no RTCPeerConnection.');
  }
  const near = new RTCPeerConnection();
  const far = new RTCPeerConnection();
  const close = (): void => {
    near.close();
    far.close();
  };
  const described = deferred<void>();
  const arrived = deferred<MediaStream>();
  const timer = setTimeout(() => arrived.reject(new Error('It took too long.')), CONNECT_MS);
  let called: MediaStream | undefined;
  const look = (): void => {
    if (far.connectionState === 'failed') arrived.reject(new Error('The connection failed.'));
    if (far.connectionState === 'connected' && called !== undefined) arrived.resolve(called);
  };
  far.onconnectionstatechange = look;
  far.ontrack = ({ track, receiver }): void => {
    called = new MediaStream([track]);
    // There is no network, so there is no need to wait for late packets.
    if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = 0;
    look();
  };
  const pass = (from: RTCPeerConnection, to: RTCPeerConnection): void => {
    from.onicecandidate = ({ candidate }): void => {
      // A candidate that fails shows in the state of the connection.
      if (candidate !== null)
        void described.promise.then(() => to.addIceCandidate(candidate)).catch(() => {});
    };
  };
  pass(near, far);
  pass(far, near);
  try {
    for (const track of stream.getAudioTracks()) near.addTrack(track, stream);
    const offer = await near.createOffer();
    await near.setLocalDescription(offer);
    await far.setRemoteDescription(withQuality(offer));
    const answer = await far.createAnswer();
    await far.setLocalDescription(answer);
    await near.setRemoteDescription(withQuality(answer));
    described.resolve();
    return { stream: await arrived.promise, close };
  } catch (cause) {
    close();
    throw new MicwireError(
      'unsupported',
      "The page cannot call itself: WebRTC is blocked here. Open the speaker with route: 'element'.",
      { cause },
    );
  } finally {
    clearTimeout(timer);
  }
}

function withQuality({ type, sdp = '' }: RTCSessionDescriptionInit): RTCSessionDescriptionInit {
  return { type, sdp: withOpusOptions(sdp, QUALITY) };
}
