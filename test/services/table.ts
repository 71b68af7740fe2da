import { AGENT_SERVICES } from './agents.ts';
import { BINARY_AGENTS } from './binary-agents.ts';
import { MICWIRE_SERVICE } from './micwire.ts';
import { REALTIME_SERVICES } from './realtime.ts';
import { RECOGNIZERS } from './recognizers.ts';
import type { ServiceCase } from './service-case.ts';
import { TELEPHONY_SERVICES } from './telephony.ts';

/** Every service, a row each. */
export const SERVICES: readonly ServiceCase[] = [
  ...AGENT_SERVICES,
  ...BINARY_AGENTS,
  ...MICWIRE_SERVICE,
  ...REALTIME_SERVICES,
  ...RECOGNIZERS,
  ...TELEPHONY_SERVICES,
];
