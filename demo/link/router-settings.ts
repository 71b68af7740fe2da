import { describeOutside, numberIn, oneOf } from '../../src/core/arguments.ts';
import { NAT_DEPENDENCES } from '../../src/core/webrtc/nat/nat-behaviour.ts';
import type { NatBehaviour } from '../../src/core/webrtc/nat/nat-behaviour.ts';

/** The settings of a simulated router. Plain data: it goes through JSON unchanged. */
export interface RouterSettings extends NatBehaviour {
  /** How long a mapping lasts after the last packet from inside, in ms. 1000 to 3600000. */
  readonly mappingTimeoutMs: number;
  /** Whether two hosts behind the router reach each other by their addresses outside. */
  readonly hairpinning: boolean;
}

/** The defaults. */
const DEFAULTS = { mappingTimeoutMs: 120_000, hairpinning: false } as const;
const FIELDS: readonly string[] = ['mapping', 'filtering', 'mappingTimeoutMs', 'hairpinning'];

/**
 * Checks settings that come from anywhere.
 * @param value an object with `mapping` and `filtering`, and any of the other fields of `RouterSettings`
 * @returns complete settings, a copy
 * @throws TypeError for a field that does not exist or is of a wrong type; RangeError for a number out of its range
 */
export function checkRouterSettings(value: unknown): RouterSettings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`Router settings must be an object, got ${describeOutside(value)}.`);
  }
  for (const name of Object.keys(value)) {
    if (FIELDS.includes(name)) continue;
    throw new TypeError(
      `Router settings have the fields ${FIELDS.join(', ')}, got ${describeOutside(name)}.`,
    );
  }
  const fields: Readonly<Record<string, unknown>> = { ...DEFAULTS, ...value };
  const { mapping, filtering, hairpinning, mappingTimeoutMs } = fields;
  if (typeof hairpinning !== 'boolean') {
    throw new TypeError(`hairpinning must be a boolean, got ${describeOutside(hairpinning)}.`);
  }
  return {
    mapping: oneOf('mapping', mapping, NAT_DEPENDENCES, describeOutside),
    filtering: oneOf('filtering', filtering, NAT_DEPENDENCES, describeOutside),
    mappingTimeoutMs: numberIn(
      'mappingTimeoutMs',
      mappingTimeoutMs,
      1000,
      3_600_000,
      describeOutside,
    ),
    hairpinning,
  };
}
