/** Entry `micwire/metering`: every meter as a class. Runs in any scope. */
export { ActivityDetector } from './activity-detector.ts';
export type {
  ActivityDetectorOptions,
  ActivityListener,
  ActivityReading,
} from './activity-detector.ts';
export { LoudnessMeter } from './loudness-meter.ts';
export type { LoudnessMeterOptions, LoudnessReading } from './loudness-meter.ts';
export { MeterBank } from './meter-bank.ts';
export type { MeterBankOptions } from './meter-bank.ts';
export { meterModule } from './meter-module.ts';
export type { BlockMeter, Reading } from './meter-reading.ts';
export { METER_NAMES } from './meter-table.ts';
export type {
  BankReading,
  MeterName,
  MeterReading,
  MeterReadings,
  MeterSettings,
} from './meter-table.ts';
export { PeakMeter } from './peak-meter.ts';
export type { PeakMeterOptions, PeakReading } from './peak-meter.ts';
export type { PeakHoldOptions } from './peak-hold.ts';
export { ppmScale } from './ppm-ballistics.ts';
export type { PpmType } from './ppm-ballistics.ts';
export { PpmMeter } from './ppm-meter.ts';
export type { PpmMeterOptions, PpmReading } from './ppm-meter.ts';
export { RmsMeter } from './rms-meter.ts';
export type { RmsMeterOptions, RmsReading } from './rms-meter.ts';
export { EnergySpeechEstimator } from './speech-estimator.ts';
export type { EnergySpeechEstimatorOptions, SpeechEstimator } from './speech-estimator.ts';
export { TruePeakMeter } from './true-peak-meter.ts';
export type { TruePeakMeterOptions, TruePeakReading } from './true-peak-meter.ts';
export { VuMeter } from './vu-meter.ts';
export type { VuMeterOptions, VuReading } from './vu-meter.ts';
export { WaveHistory } from './wave-history.ts';
export type { WaveHistoryOptions } from './wave-history.ts';
export type { StageOptions } from './open-meter-kernel.ts';
export type { Intersection } from './meter-table.ts';
