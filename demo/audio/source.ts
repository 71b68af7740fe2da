import { Microphone } from 'micwire';
import type { Speaker } from 'micwire';
import sampleUrl from '../assets/speech.wav';
import type { SourceKind } from '../runs/run.ts';
import { renderMusic } from './music.ts';

/** A running source of audio. */
export interface Source {
  /** For display: the name of the device in use, or of the sample. */
  readonly label: string;
  /** The audio as a node, for meters. It remains the same when the microphone's device changes. */
  readonly node: AudioNode;
  /** What captures and recorders take, so that they count missing frames; null for the sample. */
  readonly microphone: Microphone | null;
  /** When a loop began, on the clock of `context.currentTime`; null for the microphone. */
  readonly startTime: number | null;
  /** Stops the audio and releases the device. */
  close(): void;
}

/** What a browser may do to a voice before anybody gets it. Off where audio is measured: each of them changes it. */
export interface VoiceProcessing {
  /** Removes what comes from the loudspeaker. Without it the lab hears its own output. */
  readonly echoCancellation: boolean;
  /** Makes quiet voices louder. */
  readonly autoGainControl: boolean;
  /** Removes everything but voices. */
  readonly noiseSuppression: boolean;
}

/** Unprocessed. */
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

/** What a microphone is opened with, besides its processing. */
export interface MicrophoneSetup {
  /** null: the system's default. */
  readonly deviceId: string | null;
  /** What plays the page's audio, for the echo canceller; null: an output that no plan may change. */
  readonly speaker: Speaker | null;
}

/**
 * Opens the microphone. One that is not allowed, or not there, opens all the same: its state is `'blocked'`, `advice` says
 * what to do, and it becomes live by itself.
 */
async function openMicrophone(
  context: AudioContext,
  { echoCancellation, autoGainControl, noiseSuppression }: VoiceProcessing,
  { deviceId, speaker }: MicrophoneSetup,
): Promise<Source> {
  const echo = !echoCancellation ? 'none' : speaker === null ? 'browser' : 'auto';
  const microphone = await Microphone.open(context, {
    deviceId,
    echo,
    autoGainControl,
    noiseSuppression,
    ifBlocked: 'wait',
    ...(speaker !== null && { speaker }),
  });
  return {
    get label(): string {
      return microphone.device?.label || 'Microphone';
    },
    node: microphone.node,
    microphone,
    startTime: null,
    close: () => void microphone.close(),
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

/** Opens the audio that goes into the lanes. Throws whatever `fetch`, `decodeAudioData` or `Microphone.open` throws. */
export async function openStageSource(
  context: AudioContext,
  { kind, file, processing }: StageSource,
  setup: MicrophoneSetup,
): Promise<Source> {
  switch (kind) {
    case 'speech':
      return openSpeech(context);
    case 'microphone':
      return openMicrophone(context, processing, setup);
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
  const startTime = context.currentTime;
  node.start(startTime);
  return {
    label,
    node,
    microphone: null,
    startTime,
    close() {
      node.stop();
      node.disconnect();
    },
  };
}
