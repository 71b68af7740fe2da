import { describe, oneOf } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { Fields, Reading } from './meter-reading.ts';
import { createReading } from './meter-reading.ts';
import { ACTIVITY_FIELDS, ACTIVITY_SETTINGS } from './activity-detector.ts';
import type { ActivityDetectorOptions, ActivityReading } from './activity-detector.ts';
import { LOUDNESS_FIELDS, LOUDNESS_SETTINGS } from './loudness-meter.ts';
import type { LoudnessMeterOptions, LoudnessReading } from './loudness-meter.ts';
import { PPM_FIELDS, PPM_SETTINGS } from './ppm-meter.ts';
import type { PpmMeterOptions, PpmReading } from './ppm-meter.ts';
import type { StageOptions } from './open-meter-kernel.ts';
import { PEAK_FIELDS, PEAK_SETTINGS } from './peak-meter.ts';
import type { PeakMeterOptions, PeakReading } from './peak-meter.ts';
import { RMS_FIELDS, RMS_SETTINGS } from './rms-meter.ts';
import type { RmsMeterOptions, RmsReading } from './rms-meter.ts';
import { PEAK_HOLD_SETTINGS } from './peak-hold.ts';
import { TRUE_PEAK_FIELDS } from './true-peak-meter.ts';
import type { TruePeakMeterOptions, TruePeakReading } from './true-peak-meter.ts';
import { VU_FIELDS, VU_SETTINGS } from './vu-meter.ts';
import type { VuMeterOptions, VuReading } from './vu-meter.ts';

/** Fields at the start of every bank's reading. */
export interface BankReading extends Reading {
  /** Frames metered since the start or the last reset. */
  readonly frame: number;
  /** Number of channels in the last block; the meter's other channels were silent. */
  readonly channels: number;
}

/** Maps each meter's name to its reading. */
export interface MeterReadings {
  readonly peak: PeakReading;
  readonly rms: RmsReading;
  readonly truePeak: TruePeakReading;
  readonly loudness: LoudnessReading;
  readonly ppm: PpmReading;
  readonly vu: VuReading;
  readonly activity: ActivityReading;
}
/** A meter's name in the table. */
export type MeterName = keyof MeterReadings;

/** Settings of each meter, besides rate and channels: plain data, which can be sent to another thread. */
export interface MeterSettings {
  readonly peak?: Omit<PeakMeterOptions, keyof StageOptions>;
  readonly rms?: Omit<RmsMeterOptions, keyof StageOptions>;
  readonly truePeak?: Omit<TruePeakMeterOptions, keyof StageOptions>;
  readonly loudness?: Omit<LoudnessMeterOptions, keyof StageOptions>;
  readonly ppm?: Omit<PpmMeterOptions, keyof StageOptions>;
  readonly vu?: Omit<VuMeterOptions, keyof StageOptions>;
  readonly activity?: Omit<ActivityDetectorOptions, keyof StageOptions | 'estimator' | 'onChange'>;
}

/** The fields of each meter's reading; the order of the names is their order in a bank and in its reading. */
export const METER_FIELDS: { readonly [Name in MeterName]: Fields<MeterReadings[Name]> } = {
  peak: PEAK_FIELDS,
  rms: RMS_FIELDS,
  truePeak: TRUE_PEAK_FIELDS,
  loudness: LOUDNESS_FIELDS,
  ppm: PPM_FIELDS,
  vu: VU_FIELDS,
  activity: ACTIVITY_FIELDS,
};
const BANK_FIELDS: Fields<BankReading> = { frame: ['value', 0], channels: ['value', 0] };
/** All names, in the table's order. */
export const METER_NAMES: readonly MeterName[] = Object.keys(METER_FIELDS) as MeterName[];

const METER_SETTINGS = {
  peak: PEAK_SETTINGS,
  rms: RMS_SETTINGS,
  truePeak: PEAK_HOLD_SETTINGS,
  loudness: LOUDNESS_SETTINGS,
  ppm: PPM_SETTINGS,
  vu: VU_SETTINGS,
  activity: ACTIVITY_SETTINGS,
} satisfies Readonly<Record<MeterName, object>>;

/** @throws TypeError or RangeError for an unknown name, or a value that its meter does not accept */
export function checkMeterSettings(settings: MeterSettings, channels: number): void {
  checkOptions('settings', settings, METER_SETTINGS);
  for (const name of METER_NAMES) {
    const own = settings[name];
    if (own === undefined) continue;
    const checks: Readonly<Record<string, (value: unknown, options: never) => unknown>> =
      METER_SETTINGS[name];
    checkOptions(`settings.${name}`, own, checks);
    for (const [setting, value] of Object.entries<unknown>({ ...own })) {
      if (value !== undefined) checks[setting]?.(value, { ...own, channels } as never);
    }
  }
}

/** The intersection of the members of a union. */
export type Intersection<Union> = (Union extends unknown ? (one: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never;

/** The combined reading of the named meters, with all their fields. */
export type MeterReading<Name extends MeterName = MeterName> = BankReading &
  Intersection<MeterReadings[Name]>;

/** Returns the names in the table's order, each once. @throws TypeError for an unknown name or an empty list */
export function meterNames<Name extends MeterName>(names: readonly Name[]): readonly Name[] {
  if (!Array.isArray(names) || names.length === 0) {
    throw new TypeError(`meters must be an array of names, got ${describe(names)}.`);
  }
  for (const name of names) oneOf('meters', name, METER_NAMES);
  const wanted: readonly string[] = names;
  return (METER_NAMES as readonly Name[]).filter((name) => wanted.includes(name));
}

/** Creates the reading of a bank of these meters. */
export function createMeterReading<Name extends MeterName>(
  names: readonly Name[],
  channels: number,
): MeterReading<Name> {
  let fields: object = BANK_FIELDS;
  for (const name of meterNames(names)) fields = { ...fields, ...METER_FIELDS[name] };
  return createReading(fields as Fields<MeterReading<Name>>, channels);
}
