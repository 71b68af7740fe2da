import sampleUrl from '../assets/speech.wav';
import type { SourceKind } from '../settings.ts';

/** A running source of sound. */
export interface Source {
  readonly kind: SourceKind;
  /** What is heard, for the eye: the device's name, or what the sample is. */
  readonly label: string;
  /** The sound as a node, for meters. */
  readonly node: AudioNode;
  /** The microphone's track, which can end or be muted; null for the sample. */
  readonly track: MediaStreamTrack | null;
  /** Stops the sound and lets the device go. */
  close(): void;
}

/** How to open a microphone. */
export interface SourceOptions {
  /** Let the browser cancel echo, suppress noise and set the gain. Without it the lab hears its own output. */
  readonly voiceProcessing: boolean;
}

/** Opens a source in the context. Throws whatever `fetch`, `decodeAudioData` or `getUserMedia` throws. */
export function openSource(
  context: AudioContext,
  kind: SourceKind,
  options: SourceOptions,
): Promise<Source> {
  return kind === 'sample' ? openSample(context) : openMicrophone(context, options);
}

async function openSample(context: AudioContext): Promise<Source> {
  const response = await fetch(sampleUrl);
  if (!response.ok) {
    throw new Error(`The speech sample could not be fetched: status ${response.status}.`);
  }
  const node = context.createBufferSource();
  node.buffer = await context.decodeAudioData(await response.arrayBuffer());
  node.loop = true;
  node.start();
  return {
    kind: 'sample',
    label: 'Speech sample, looped',
    node,
    track: null,
    close() {
      node.stop();
      node.disconnect();
    },
  };
}

async function openMicrophone(context: AudioContext, options: SourceOptions): Promise<Source> {
  const { voiceProcessing } = options;
  // Absent where the page is neither on localhost nor https.
  if (!('mediaDevices' in navigator)) throw new DOMException('', 'SecurityError');
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: {
      echoCancellation: voiceProcessing,
      noiseSuppression: voiceProcessing,
      autoGainControl: voiceProcessing,
    },
  });
  const track = stream.getAudioTracks()[0]!;
  const node = context.createMediaStreamSource(stream);
  return {
    kind: 'microphone',
    label: track.label || 'Microphone',
    node,
    track,
    close() {
      node.disconnect();
      for (const each of stream.getTracks()) each.stop();
    },
  };
}
