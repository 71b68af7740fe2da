import type { PayloadFormat } from '../format/payload-format.ts';

/** What the packets of one stream have in common. */
export interface ReceiveFormat {
  readonly format: PayloadFormat;
  /** Of what packets are decoded to, and what their frames count, Hz. */
  readonly sampleRate: number;
  readonly channels: number;
}
