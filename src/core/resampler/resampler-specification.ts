import type { ResamplerQuality } from './resampler-plan.ts';

/** The specification for the filters of a quality. */
export interface ResamplerSpecification {
  /** Stopband attenuation of the sharp filter, dB. */
  readonly attenuationDb: number;
  /** End of the passband as a fraction of the lower Nyquist frequency; the stopband starts equally far above that frequency. */
  readonly pass: number;
  /** The same if the stopband must start at the Nyquist frequency itself. */
  readonly strictPass: number;
  /** Largest passband deviation of the strict filter, dB. (That of the half-band filter equals its attenuation: negligible.) */
  readonly strictRippleDb: number;
  /** Largest passband deviation of the short filter between rates, dB. */
  readonly shortRippleDb: number;
  /** Whether coefficients are rounded to single precision, so that both executions use the same ones. */
  readonly singlePrecision: boolean;
}

export const RESAMPLER_SPECIFICATIONS: Readonly<Record<ResamplerQuality, ResamplerSpecification>> =
  {
    voice: {
      attenuationDb: 102,
      pass: 0.9,
      strictPass: 0.9,
      strictRippleDb: 0.01,
      shortRippleDb: 0.003,
      singlePrecision: true,
    },
    hq: {
      attenuationDb: 121,
      pass: 0.905,
      strictPass: 0.905,
      strictRippleDb: 0.005,
      shortRippleDb: 0.002,
      singlePrecision: true,
    },
    vhq: {
      attenuationDb: 146,
      pass: 0.944,
      strictPass: 0.95,
      strictRippleDb: 0.0005,
      shortRippleDb: 0.0002,
      singlePrecision: false,
    },
  };

/** The passband and stopband of the whole chain. */
export interface Band {
  readonly quality: ResamplerQuality;
  readonly strict: boolean;
  /** End of the passband, Hz. */
  readonly passHz: number;
  /** Start of the stopband, Hz. */
  readonly stopHz: number;
}

/** Returns the band of a conversion whose lower rate is `lowerRate` Hz. */
export function bandFor(lowerRate: number, quality: ResamplerQuality, strict: boolean): Band {
  const specification = RESAMPLER_SPECIFICATIONS[quality];
  const nyquist = lowerRate / 2;
  const pass = strict ? specification.strictPass : specification.pass;
  return {
    quality,
    strict,
    passHz: pass * nyquist,
    stopHz: strict ? nyquist : (2 - pass) * nyquist,
  };
}

/** Errors of the stages add up, so every filter but the sharp one is a little better than the whole must be. */
const GUARD_MARGIN_DB = 4;

/** Returns the attenuation of every filter but the sharp one, dB. */
export function guardAttenuation(quality: ResamplerQuality): number {
  return RESAMPLER_SPECIFICATIONS[quality].attenuationDb + GUARD_MARGIN_DB;
}
