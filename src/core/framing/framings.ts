import { base64JsonFraming } from './base64-json.ts';
import { binaryFraming } from './binary.ts';
import type { SelfDescribingFraming } from './framing.ts';
import { rtpFraming } from './rtp.ts';
import type { RtpFraming } from './rtp.ts';

/** Every framing by its name. The contract and fuzz tests run over this table. */
export const FRAMINGS: {
  readonly binary: SelfDescribingFraming;
  readonly 'base64-json': SelfDescribingFraming;
  readonly rtp: RtpFraming;
} = {
  binary: binaryFraming,
  'base64-json': base64JsonFraming,
  rtp: rtpFraming,
};

/** Name of a framing in the table. */
export type FramingName = keyof typeof FRAMINGS;
