/** Entry `micwire/elements`: defines every element, and exports their classes. */
export { MicwireLevel } from './level.ts';
export type { LevelEventMap, LevelLabels } from './level.ts';
export { MicwireLoudness } from './loudness.ts';
export type { LoudnessEventMap, LoudnessLabels, LoudnessScale, LoudnessUnit } from './loudness.ts';
export { MicwireMicrophone } from './microphone.ts';
export type { MicrophoneElementEventMap, MicrophoneLabels } from './microphone.ts';
export { MicwireSession } from './session.ts';
export type { SessionLabels } from './session.ts';
export { MicwireWaveform } from './waveform.ts';
export type { WaveformEventMap, WaveformLabels } from './waveform.ts';
export { TypedElement } from './shared/typed-element.ts';
export type { ElementSource, MeterSource, RunningMeter } from './shared/element-source.ts';
