import { REALTIME_SERVICES } from './realtime.ts';
import type { ServiceCase } from './service-case.ts';
import { TELEPHONY_SERVICES } from './telephony.ts';

/** Every service, a row each. */
export const SERVICES: readonly ServiceCase[] = [...REALTIME_SERVICES, ...TELEPHONY_SERVICES];
