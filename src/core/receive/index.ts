/** Entry `micwire/receive`: the parts of a receiver (jitter buffer, delay, concealment). Runs in any scope. */
export { PacketError } from '../errors.ts';
export type { PacketErrorReason } from '../errors.ts';
export { DelayTarget } from './delay-target.ts';
export type { DelayTargetOptions } from './delay-target.ts';
export { DriftEstimator } from '../dsp/drift-estimator.ts';
export { FEC_COPY, JitterBuffer } from './jitter-buffer.ts';
export type { ArrivalListener, InsertOutcome, JitterBufferOptions } from './jitter-buffer.ts';
export { ComfortNoise } from './comfort-noise.ts';
export { PcmConcealment } from './pcm-concealment.ts';
export { PlanarLine } from './time-scaler.ts';
export { ReceiveDecision } from './receive-decision.ts';
export type { PlayoutAction, ReceiveDecisionOptions } from './receive-decision.ts';
export { TimeScaler } from './time-scaler.ts';
export type { TimeScalerOptions } from './time-scaler.ts';
export type { ReceiveStatistic, ReceiveStatistics } from './receive-report.ts';
export { RECEIVE_STATISTICS, ReceiveCounters } from './receive-report.ts';
