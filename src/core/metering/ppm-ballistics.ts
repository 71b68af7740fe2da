/** Quasi-peak programme meters of IEC 60268-10: I (DIN), IIa (BBC), IIb (EBU). */
export type PpmType = 'I' | 'IIa' | 'IIb';

/** Mix of two integrators that charge at different rates and fall at the same rate. Factors are per frame. */
export interface PpmBallistics {
  /** Factor of a falling integrator. */
  readonly fall: number;
  /** Factor of each integrator while it charges, and share of the input that it adds. */
  readonly slowKeep: number;
  readonly slowTake: number;
  readonly fastKeep: number;
  readonly fastTake: number;
  /** Weight of each integrator in the reading. */
  readonly slowShare: number;
  readonly fastShare: number;
}

interface Constants {
  /** Charging rates of the two integrators, in 1/s. */
  readonly slow: number;
  readonly fast: number;
  /** Weight of the slow integrator. */
  readonly slowShare: number;
  /** Rate of fall in dB per second. */
  readonly fall: number;
  /** Reading of a steady sine of amplitude 1 before scaling. */
  readonly sine: number;
}

/**
 * Fitted to the tone bursts of IEC 60268-10 (5 kHz; type I: 10, 5, 3, 0.4 ms read −1, −2, −4, −15 dB; type II: 100, 10,
 * 5, 1.5, 0.5 ms read 0, −2, −4, −9, −17) and its return times (type I: 20 dB in 1.7 s; type II: 24 dB in 2.8 s).
 */
const TYPE_I: Constants = {
  slow: 353.3,
  fast: 1042,
  slowShare: 0.369,
  fall: 20 / 1.7,
  sine: 0.9775,
};
const TYPE_II: Constants = {
  slow: 177.3,
  fast: 816,
  slowShare: 0.432,
  fall: 24 / 2.8,
  sine: 0.973,
};

/** Returns the ballistics of a type at a sample rate in Hz. */
export function ppmBallistics(type: PpmType, sampleRate: number): PpmBallistics {
  const { slow, fast, slowShare, fall: fallDb, sine } = type === 'I' ? TYPE_I : TYPE_II;
  const fall = 10 ** (-fallDb / 20 / sampleRate);
  const slowLeft = Math.exp(-slow / sampleRate);
  const fastLeft = Math.exp(-fast / sampleRate);
  return {
    fall,
    slowKeep: slowLeft * fall,
    slowTake: 1 - slowLeft,
    fastKeep: fastLeft * fall,
    fastTake: 1 - fastLeft,
    slowShare: slowShare / sine,
    fastShare: (1 - slowShare) / sine,
  };
}

/**
 * Converts a level to the scale of a programme meter of IEC 60268-10. Type I: dB, 0 being 9 dB above alignment (permitted maximum
 * level). Type IIa: the marks 1 to 7, alignment at 4, 4 dB from mark to mark but 6 from 1 to 2. Type IIb: dB from alignment
 * ("TEST").
 */
export function ppmScale(type: PpmType, levelDbfs: number, alignmentDbfs = -18): number {
  const level = levelDbfs - alignmentDbfs;
  if (type === 'I') return level - 9;
  if (type === 'IIb') return level;
  return level >= -8 ? 4 + level / 4 : 2 + (level + 8) / 6;
}
