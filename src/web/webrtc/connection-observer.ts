import type { CallRecord } from './call-record.ts';

/** What a call wants to know of its connection. */
export interface ConnectionListener {
  track(track: MediaStreamTrack, receiver: RTCRtpReceiver): void;
  /** A way to the other side works. */
  iceWorks(): void;
  /** The keys are agreed on. */
  connected(): void;
  /** No way was found, or no keys; or the way is lost for good. */
  failed(): void;
}

/** Notes what a connection reports, and passes on what matters. */
export function observeConnection(
  connection: RTCPeerConnection,
  record: CallRecord,
  listener: ConnectionListener,
): void {
  connection.ontrack = ({ track, receiver }) => {
    record.note('signal', 'the other side sends sound');
    listener.track(track, receiver);
  };
  connection.onsignalingstatechange = () =>
    record.update('signalingstatechange', connection.signalingState);
  connection.onicegatheringstatechange = () => {
    record.note('ice', `gathering: ${connection.iceGatheringState}`);
    record.update('icegatheringstatechange', connection.iceGatheringState);
  };
  connection.onicecandidateerror = ({ url, errorCode, errorText }) => {
    record.note('ice', `${url} failed: ${errorText} (${errorCode})`);
    const words = `url: ${url}, error_code: ${errorCode}, error_text: ${errorText}`;
    record.update('icecandidateerror', words);
  };
  connection.oniceconnectionstatechange = () => {
    const state = connection.iceConnectionState;
    record.note('ice', `connection: ${state}`);
    record.update('iceconnectionstatechange', state);
    if (state === 'connected' || state === 'completed') listener.iceWorks();
  };
  connection.onconnectionstatechange = () => {
    const state = connection.connectionState;
    record.note('media', `connection: ${state}`);
    record.update('connectionstatechange', state);
    if (state === 'connected') listener.connected();
    else if (state === 'failed') listener.failed();
  };
}
