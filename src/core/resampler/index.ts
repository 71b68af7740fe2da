/** Entry `micwire/resampler`: sample rates, channels and streams of bytes. Runs in any scope. */
export { ChannelMixer } from '../dsp/channel-mixer.ts';
export type { ChannelMixerOptions } from '../dsp/channel-mixer.ts';
export type { ResamplerPlan, ResamplerQuality } from './resampler-plan.ts';
export { loadResamplerPlan } from './resampler-loader.ts';
export { planResampler } from './resampler-planner.ts';
export type { ResamplerPlanOptions } from './usual-planner.ts';
export { createResampler } from './resampler-stream.ts';
export type { StreamResampler } from './resampler-stream.ts';
export { Resampler, resample } from './resampler.ts';
export type { ResamplerOptions } from './resampler.ts';
export { StreamConverter } from './stream-converter.ts';
export type { StreamConverterOptions, StreamConverterStats } from './stream-converter.ts';
export { planVariableResampler } from './variable-resampler-planner.ts';
export type { VariableResamplerPlanOptions } from './usual-variable-planner.ts';
export { VariableResampler } from './variable-resampler.ts';
export type { VariableResamplerPlan } from './variable-resampler.ts';
export type {
  DoubleStage,
  HalveStage,
  InterpolatedStage,
  PolyphaseStage,
  ResamplerExecution,
  ResamplerStage,
} from './resampler-plan.ts';
