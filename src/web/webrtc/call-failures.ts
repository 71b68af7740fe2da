import { MicwireError } from '../../core/errors.ts';
import type { CallStep } from '../../core/webrtc/call-timeline.ts';

/** This engine has no WebRTC. */
export function noWebrtc(): MicwireError {
  return new MicwireError(
    'unsupported',
    'This browser has no WebRTC (RTCPeerConnection); WebKitGTK is commonly built without it. Carry packets over a ' +
      'WebSocketTransport, or take another browser.',
  );
}

/** The connection has given up. @param iceWorked whether a way to the other side had been found */
export function connectionFailed(iceWorked: boolean): MicwireError {
  const message = iceWorked
    ? 'The way to the other side was lost, or no keys could be agreed on (DTLS failed).'
    : 'No way to the other side was found (ICE failed). Between networks, name a TURN server in iceServers.';
  return new MicwireError('transport', message);
}

/** @param isPeerThere whether the signalling has brought the two together */
export function tooLate(
  timeoutMs: number,
  steps: readonly CallStep[],
  isPeerThere: boolean,
): MicwireError {
  const active = steps.filter((step) => step.state === 'active').map((step) => step.name);
  const missing = isPeerThere ? '' : ' The other side has not come.';
  const message = `The call was not connected within ${timeoutMs} ms; it was at: ${active.join(', ')}.${missing}`;
  return new MicwireError('transport', message);
}
