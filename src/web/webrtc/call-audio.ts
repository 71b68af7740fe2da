import type { CallRecord } from './call-record.ts';
import type { CallSettings } from './call-options.ts';

/** The caller's audio: a section of its own in the offer, unless it neither sends nor takes sound. */
export function offerAudio(
  connection: RTCPeerConnection,
  settings: CallSettings,
  record: CallRecord,
): void {
  const { track, receive } = settings;
  if (track === null && !receive) return;
  const transceiver = connection.addTransceiver(track ?? 'audio', {
    direction: direction(track !== null, receive),
  });
  const codecs = RTCRtpReceiver.getCapabilities('audio')?.codecs ?? [];
  const isOpus = ({ mimeType }: RTCRtpCodec): boolean => /\/opus$/i.test(mimeType);
  const red = settings.redundancy ? codecs.filter(isRed) : [];
  if (settings.redundancy && red.length === 0) {
    record.note('create', 'this browser has no RED for audio: packets go without copies');
  }
  if (codecs.length === 0 || !('setCodecPreferences' in transceiver)) return;
  const opus = codecs.filter(isOpus);
  const others = codecs.filter((codec) => !isRed(codec) && !isOpus(codec));
  // The first is what is sent (RFC 8829 §5.2.1).
  transceiver.setCodecPreferences([...red, ...opus, ...others]);
}

/** The callee's audio, in the section that the caller offers. */
export function answerAudio(connection: RTCPeerConnection, settings: CallSettings): void {
  const { track, receive } = settings;
  for (const transceiver of connection.getTransceivers()) {
    if (transceiver.receiver.track.kind !== 'audio') continue;
    transceiver.direction = direction(track !== null, receive);
    // Rejects when the connection is closed meanwhile.
    if (track !== null) transceiver.sender.replaceTrack(track).catch(() => {});
    return;
  }
}

/** Whether packets go out as RED: what a sender names first is what it sends (W3C webrtc §5.2.1). */
export function sendsRed(connection: RTCPeerConnection): boolean {
  return connection.getTransceivers().some(({ currentDirection, sender }) => {
    if (currentDirection !== 'sendrecv' && currentDirection !== 'sendonly') return false;
    const [first] = sender.getParameters().codecs;
    return first !== undefined && isRed(first);
  });
}

function isRed({ mimeType }: { readonly mimeType: string }): boolean {
  return /\/red$/i.test(mimeType);
}

/** What the audio of a call is in the words of `RTCRtpTransceiver.direction`. */
function direction(sends: boolean, receives: boolean): RTCRtpTransceiverDirection {
  if (sends) return receives ? 'sendrecv' : 'sendonly';
  return receives ? 'recvonly' : 'inactive';
}

/** Whether sound comes in, by what both sides agreed on. */
export function receivesAudio(connection: RTCPeerConnection): RTCRtpReceiver | null {
  for (const { currentDirection, receiver } of connection.getTransceivers()) {
    if (currentDirection === 'sendrecv' || currentDirection === 'recvonly') return receiver;
  }
  return null;
}
