import type { SourceKind } from '../runs/run.ts';
import { renderMusic } from './music.ts';
import type { Source, VoiceProcessing } from './source.ts';
import { openMicrophone, openSpeech } from './source.ts';

/** Which sound goes into the lanes. */
export interface StageSource {
  readonly kind: SourceKind;
  /** For kind `'file'`: any that the browser decodes. */
  readonly file: Blob | null;
  /** Of the microphone. */
  readonly processing: VoiceProcessing;
}

/** Opens the sound that goes into the lanes. Throws whatever `fetch`, `decodeAudioData` or `getUserMedia` throws. */
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
