import type { ServiceCase } from './service-case.ts';

/** Every service, a row each. */
export const SERVICES: readonly ServiceCase[] = [];
