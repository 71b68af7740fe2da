import type { ServiceAddress } from '../service.ts';
import { serviceAddress } from './service-base.ts';
import type { QueryValues } from './service-base.ts';

/** Deepgram's names of formats. It has others, but they need containers or codecs that a capture does not produce. */
export const DEEPGRAM_ENCODINGS = {
  s16: 'linear16',
  mulaw: 'mulaw',
  alaw: 'alaw',
  opus: 'opus',
} as const;

/** Format that Deepgram accepts. */
export type DeepgramFormat = keyof typeof DEEPGRAM_ENCODINGS;

/** How a token is passed as a subprotocol: `'bearer'` for temporary tokens (`/v1/auth/grant`), `'token'` for API keys. */
export type DeepgramTokenType = 'bearer' | 'token';

/** Every {@link DeepgramTokenType}. */
export const DEEPGRAM_TOKEN_TYPES: readonly DeepgramTokenType[] = ['bearer', 'token'];

/** Returns an address of Deepgram. Browsers cannot set headers, so the token is a subprotocol. */
export function deepgramAddress(
  url: string,
  token: string | undefined,
  tokenType: DeepgramTokenType,
  query: QueryValues = {},
): ServiceAddress {
  return serviceAddress(url, { query, protocols: token === undefined ? [] : [tokenType, token] });
}
