import sampleUrl from '../assets/speech.wav';
import type { SourceKind } from '../runs/run.ts';
import { renderMusic } from './music.ts';

/** A running source of sound. */
export interface Source {
  /** What is heard, for the eye: the device's name, or what the sample is. */
  readonly label: string;
  /** The sound as a node, for meters. */
  readonly node: AudioNode;
  /** The microphone's track, which can end or be muted; null for the sample. */
  readonly track: MediaStreamTrack | null;
  /** Stops the sound and lets the device go. */
  close(): void;
}

/** What a browser may do to a voice before anybody gets it. Off where sound is measured: each of them changes it. */
export interface VoiceProcessing {
  /** Takes out what comes from the loudspeaker. Without it the lab hears its own output. */
  readonly echoCancellation: boolean;
  /** Makes quiet voices louder. */
  readonly autoGainControl: boolean;
  /** Removes everything but voices. */
  readonly noiseSuppression: boolean;
}

/** As it comes. */
export const UNPROCESSED: VoiceProcessing = {
  echoCancellation: false,
  autoGainControl: false,
  noiseSuppression: false,
};

/** Plays the bundled voice. Throws whatever `fetch` or `decodeAudioData` throws. */
async function openSpeech(context: AudioContext): Promise<Source> {
  const response = await fetch(sampleUrl);
  if (!response.ok) {
    throw new Error(`The speech sample could not be fetched: status ${response.status}.`);
  }
  const buffer = await context.decodeAudioData(await response.arrayBuffer());
  return looped(context, buffer, 'Speech sample, looped');
}

/** Opens the microphone. Throws whatever `getUserMedia` throws. */
async function openMicrophone(context: AudioContext, processing: VoiceProcessing): Promise<Source> {
  // Absent where the page is neither on localhost nor https.
  if (!('mediaDevices' in navigator)) throw new DOMException('', 'SecurityError');
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { ...processing },
  });
  const track = stream.getAudioTracks()[0]!;
  const node = context.createMediaStreamSource(stream);
  return {
    label: track.label || 'Microphone',
    node,
    track,
    close() {
      node.disconnect();
      for (const each of stream.getTracks()) each.stop();
    },
  };
}

/** Which audio goes into the lanes. */
export interface StageSource {
  readonly kind: SourceKind;
  /** For kind `'file'`: any that the browser decodes. */
  readonly file: Blob | null;
  /** Of the microphone. */
  readonly processing: VoiceProcessing;
}

/** Opens the audio that goes into the lanes. Throws whatever `fetch`, `decodeAudioData` or `getUserMedia` throws. */
export async function openStageSource(
  context: AudioContext,
  { kind, file, processing }: StageSource,
): Promise<Source> {
  switch (kind) {
    case 'speech':
      return openSpeech(context);
    case 'microphone':
      return openMicrophone(context, processing);
    case 'music':
      return looped(context, await renderMusic(context.sampleRate), 'Music, looped');
    case 'file': {
      if (file === null) throw new DOMException('', 'DataError');
      const buffer = await context.decodeAudioData(await file.arrayBuffer());
      return looped(
        context,
        buffer,
        'name' in file ? `${String(file.name)}, looped` : 'File, looped',
      );
    }
  }
}

function looped(context: AudioContext, buffer: AudioBuffer, label: string): Source {
  const node = new AudioBufferSourceNode(context, { buffer, loop: true });
  node.start();
  return {
    label,
    node,
    track: null,
    close() {
      node.stop();
      node.disconnect();
    },
  };
}
