import type { SourceKind } from '../runs/run.ts';
import { renderMusic } from './music.ts';
import type { Source } from './source.ts';
import { openSource } from './source.ts';

/** Which sound goes into the lanes. */
export interface StageSource {
  readonly kind: SourceKind;
  /** For kind `'file'`: any that the browser decodes. */
  readonly file: Blob | null;
  /** For the microphone: lets the browser cancel echo, suppress noise and set the gain. Off where it is measured. */
  readonly voiceProcessing: boolean;
}

/** Opens the sound that goes into the lanes. Throws whatever `fetch`, `decodeAudioData` or `getUserMedia` throws. */
export async function openStageSource(
  context: AudioContext,
  { kind, file, voiceProcessing }: StageSource,
): Promise<Omit<Source, 'kind'>> {
  switch (kind) {
    case 'speech':
      return openSource(context, 'sample', { voiceProcessing });
    case 'microphone':
      return openSource(context, 'microphone', { voiceProcessing });
    case 'music':
      return looped(context, await renderMusic(context.sampleRate), 'Music, looped');
    case 'file': {
      if (file === null) throw new DOMException('', 'NotFoundError');
      const buffer = await context.decodeAudioData(await file.arrayBuffer());
      return looped(
        context,
        buffer,
        'name' in file ? `${String(file.name)}, looped` : 'File, looped',
      );
    }
  }
}

function looped(context: AudioContext, buffer: AudioBuffer, label: string): Omit<Source, 'kind'> {
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
