import { MicwireError } from '../../core/errors.ts';
import type { CallRecord } from './call-record.ts';
import type { CallSettings } from './call-options.ts';
import { playMuted, refused } from '../capture-source.ts';
import { checkContextOpen } from '../context-life.ts';

/** Adds the caller's audio to the offer as a separate section, unless the caller neither sends nor receives audio. */
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
  const index = connection.getTransceivers().indexOf(transceiver);
  record.update(
    'transceiverAdded',
    `Caused by: addTransceiver\n\n${transceiverText(transceiver, index)}`,
  );
  const codecs = RTCRtpReceiver.getCapabilities('audio')?.codecs ?? [];
  const isOpus = ({ mimeType }: RTCRtpCodec): boolean => /\/opus$/i.test(mimeType);
  const red = settings.redundancy ? codecs.filter(isRed) : [];
  if (settings.redundancy && red.length === 0) {
    record.note('create', 'this browser has no RED for audio: packets go without copies');
  }
  if (codecs.length === 0 || !('setCodecPreferences' in transceiver)) return;
  const opus = codecs.filter(isOpus);
  const others = codecs.filter((codec) => !isRed(codec) && !isOpus(codec));
  // The first codec is the one that is sent (RFC 8829 §5.2.1).
  transceiver.setCodecPreferences([...red, ...opus, ...others]);
}

/** Adds the callee's audio, in the section that the caller offers. */
export function answerAudio(connection: RTCPeerConnection, settings: CallSettings): void {
  const { track, receive } = settings;
  for (const transceiver of connection.getTransceivers()) {
    if (transceiver.receiver.track.kind !== 'audio') continue;
    transceiver.direction = direction(track !== null, receive);
    // Rejects when the connection is closed in the meantime.
    if (track !== null) transceiver.sender.replaceTrack(track).catch(() => {});
    return;
  }
}

/** Returns true if packets are sent as RED: a sender sends the codec that it lists first (W3C webrtc §5.2.1). */
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

/** Returns the direction of a call's audio in the terms of `RTCRtpTransceiver.direction`. */
function direction(sends: boolean, receives: boolean): RTCRtpTransceiverDirection {
  if (sends) return receives ? 'sendrecv' : 'sendonly';
  return receives ? 'recvonly' : 'inactive';
}

/** Describes a transceiver in the format of webrtc-internals. */
export function transceiverText(transceiver: RTCRtpTransceiver, index: number): string {
  const { mid, direction: wanted, currentDirection, sender, receiver } = transceiver;
  return [
    `getTransceivers()[${index}]:{`,
    `  mid:${mid === null ? null : `'${mid}'`},`,
    `  kind:'${receiver.track.kind}',`,
    `  sender:{ track:${sender.track === null ? null : `'${sender.track.id}'`} },`,
    `  receiver:{ track:'${receiver.track.id}' },`,
    `  direction:'${wanted}',`,
    `  currentDirection:${currentDirection === null ? null : `'${currentDirection}'`},`,
    '}',
  ].join('\n');
}

/** Returns true if audio is received, according to what both sides agreed on. */
export function receivesAudio(connection: RTCPeerConnection): RTCRtpReceiver | null {
  for (const { currentDirection, receiver } of connection.getTransceivers()) {
    if (currentDirection === 'sendrecv' || currentDirection === 'recvonly') return receiver;
  }
  return null;
}

/** Polling intervals in ms: at first, and when no audio has arrived for a long time. */
const SOON_MS = 15;
const LATER_MS = 250;
const SOON_TIMES = 200;

/**
 * Calls back once, within about 20 ms of the first audio packet. It polls the statistics, because other signs depend on whether the
 * audio is played.
 * @returns a function that stops watching
 */
export function watchFirstAudio(receiver: RTCRtpReceiver, onAudio: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ended = false;
  let asked = 0;
  const ask = async (): Promise<void> => {
    // Rejects when the connection is closed in the meantime.
    const isHere = await hasPackets(receiver).catch(() => false);
    if (ended) return;
    if (isHere) onAudio();
    else timer = setTimeout(() => void ask(), ++asked < SOON_TIMES ? SOON_MS : LATER_MS);
  };
  void ask();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

async function hasPackets(receiver: RTCRtpReceiver): Promise<boolean> {
  const report = await receiver.getStats();
  for (const entry of report.values()) {
    if (entry.type === 'inbound-rtp')
      return (entry as RTCInboundRtpStreamStats).packetsReceived! > 0;
  }
  return false;
}

/** The audio from the other side of a connection, as nodes of AudioContexts. */
export class RemoteAudio {
  readonly #closers: (() => void)[] = [];

  /**
   * Creates a node for a remote track in a context.
   * @param from the side that sends the audio, for the error message
   * @throws MicwireError `'no-audio'` when there is no track, `'closed'` when the context is closed, `'unsupported'` when the
   *   engine refuses the track in this context
   */
  open(
    context: AudioContext,
    track: MediaStreamTrack | null,
    from: string,
  ): MediaStreamAudioSourceNode {
    if (track === null) {
      const message = `There is no audio from ${from} yet: await connect() first.`;
      throw new MicwireError('no-audio', message);
    }
    checkContextOpen(context);
    const stream = new MediaStream([track]);
    const endPlaying = playMuted(stream);
    try {
      const node = context.createMediaStreamSource(stream);
      this.#closers.push(() => {
        node.disconnect();
        endPlaying();
      });
      return node;
    } catch (cause) {
      endPlaying();
      throw refused(context, cause);
    }
  }

  /** Disconnects the nodes and releases the streams. */
  close(): void {
    for (const close of this.#closers.splice(0)) close();
  }
}
