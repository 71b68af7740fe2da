/** Entry `micwire/elements`: defines every element, and exports their classes. */
export { MicwireLevel } from './level.ts';
export type { LevelEventMap, LevelLabels } from './level.ts';
export { TypedElement } from './shared/typed-element.ts';
export type { ElementSource, MeterSource, RunningMeter } from './shared/element-source.ts';
