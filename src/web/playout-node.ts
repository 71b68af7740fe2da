import type { PlayoutProcessorOptions } from '../core/messages.ts';
import type { PlayoutSettings } from './playout-options.ts';
import { resamplerBetween } from './resampler-design.ts';

/**
 * Makes the processor's node, in a context that has its worklet.
 * @param capacityFrames room for wire frames that wait, to begin with
 * @throws TypeError when the rates differ and the filter design was not loaded
 */
export function createPlayoutNode(
  context: BaseAudioContext,
  settings: PlayoutSettings,
  capacityFrames: number,
): AudioWorkletNode {
  const { samples, sampleRate, backlog, outputChannels, quality, targetDelay } = settings;
  const processorOptions: PlayoutProcessorOptions = {
    ...samples,
    outputChannels,
    resampler: resamplerBetween(sampleRate, context.sampleRate, quality),
    targetFrames: Math.round((targetDelay / 1000) * sampleRate),
    backlog,
    capacityFrames,
  };
  return new AudioWorkletNode(context, 'micwire-playout', {
    numberOfInputs: 0,
    numberOfOutputs: 1,
    outputChannelCount: [outputChannels],
    processorOptions,
  });
}
