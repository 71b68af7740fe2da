import type { ResamplerQuality } from './resampler-plan.ts';

/** What the filters of a quality are designed to. */
export interface ResamplerSpecification {
  /** Stopband attenuation of the sharp filter, dB. */
  readonly attenuationDb: number;
  /** End of the passband as a part of the lower Nyquist frequency; the stopband starts as far beyond it. */
  readonly pass: number;
  /** The same when the stopband must start at the Nyquist frequency itself. */
  readonly strictPass: number;
  /** Largest passband deviation of the strict filter, dB. (The half-band filter's is its attenuation: next to nothing.) */
  readonly strictRippleDb: number;
  /** Largest passband deviation of the short filter between rates, dB. */
  readonly shortRippleDb: number;
  /** Whether coefficients are rounded to single precision, so that every execution computes with the same ones. */
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
