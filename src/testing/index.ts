/**
 * Entry `micwire/testing`: runs any `AudioWorkletProcessor` in plain Node, one render quantum at a time or offline as a whole.
 * Loading it touches no globals; an open scope does.
 */
export { createWorkletScope } from './worklet-scope.ts';
export type { ModuleSource, ScopeOptions, WorkletScope } from './worklet-scope.ts';
export { renderOffline } from './render-offline.ts';
export type { RenderInput, RenderOptions, RenderResult } from './render-offline.ts';
export type { NodeOptions } from './node-options.ts';
export type { ProcessorErrorEvent, ScopeNode } from './scope-node.ts';
export type { PortListener, ScopePort } from './scope-port.ts';
export type { PortMessageEvent } from './platform.ts';
export type { ParameterDescriptor, ProcessorClass } from './registration.ts';
export type { AudioWorkletProcessor, RunningScope } from './scope-globals.ts';
export { audioMatchers } from './matchers.ts';
export type { AudioMatchers, MatcherResult, MatchOptions, SilenceOptions } from './matchers.ts';
export type { ClickOptions } from './clicks.ts';
export type { AudioBufferLike, Signal } from './signal.ts';
export { expectNoAllocation, measureAllocation, measureQuanta } from './measure-processor.ts';
export type { MeasureOptions, QuantaOptions } from './measure-processor.ts';
export type { Allocation, QuantumTimes } from './measure-request.ts';
export type { RunSetup, Send } from './processor-run.ts';
export { createGraph } from './graph.ts';
export type {
  Graph,
  GraphBufferSource,
  GraphConstantSource,
  GraphGain,
  GraphNode,
  GraphOptions,
  GraphSource,
  GraphWorkletNode,
} from './graph.ts';
export type { GraphParam } from './graph-param.ts';
