import { PacketError, errorText } from '../../src/core/errors.ts';
import { describeOutside } from '../../src/core/arguments.ts';
import { parseJsonObject } from '../../src/core/framing/json-object.ts';
import type { JsonFields } from '../../src/core/framing/json-object.ts';
import type { LatenessReport } from './lateness.ts';
import type { PathStatistics } from './lane-path.ts';
import type { RouterSettings } from './router-settings.ts';
import { checkRouterSettings } from './router-settings.ts';
import type { LinkSettings } from './settings.ts';
import { checkLinkSettings } from './settings.ts';
import { MAX_TRACE_POINTS } from './link-trace.ts';
import type { RouterServers } from './simulated-router.ts';
import type { TcpModelCounts } from './tcp-model.ts';

/**
 * What a page says to the simulated network, as JSON over a WebSocket. `id` is the page's own number for it, which the reply
 * repeats.
 */
export type ControlRequest =
  /** Sets the link of all lanes, from the next packet on; `back` only where the directions differ. Reply: `done`. */
  | {
      readonly type: 'configure';
      readonly id: number;
      readonly settings: LinkSettings;
      readonly back: LinkSettings | null;
    }
  /**
   * Begins a run: chance starts from the seed, the link's time at 0 (standstills, trace), all statistics at nothing. Lanes stay
   * open, and what is under way arrives. Reply: `done`.
   */
  | { readonly type: 'restart'; readonly id: number; readonly seed: number }
  /** Reply: `statistics`. */
  | { readonly type: 'statistics'; readonly id: number }
  /** Opens a lane for the two peers of a call. Reply: `splice`. */
  | { readonly type: 'open-splice'; readonly id: number; readonly lane: string }
  /**
   * Closes the ports of a call, as when its peers leave their network: it continues over other ports when ICE restarts. Reply: `done`.
   */
  | { readonly type: 'cut-splice'; readonly id: number; readonly lane: string }
  /** Opens a lane between this page and the lab's server of WebTransport. Reply: `splice`, whose first port the page sends to. */
  | { readonly type: 'open-quic'; readonly id: number; readonly lane: string }
  /** Opens a lane that is a router in front of this page: its `iceServers` are in the reply, `router`. */
  | {
      readonly type: 'open-router';
      readonly id: number;
      readonly lane: string;
      readonly router: RouterSettings;
    }
  /** Records the packets of splices that are opened from now on; earlier files are dropped. Reply: `done`. */
  | { readonly type: 'record'; readonly id: number }
  /** Reply: `capture`. */
  | { readonly type: 'capture'; readonly id: number; readonly lane: string }
  /** Closes a lane of any kind. Reply: `done`. */
  | { readonly type: 'close-lane'; readonly id: number; readonly lane: string };

/** Why the engine refused. */
export type ControlErrorCode =
  /** Not a request, or a field of it is wrong. */
  | 'bad-message'
  /** There is no lane or session of that name. */
  | 'unknown-lane'
  /** There is one already. */
  | 'lane-exists'
  /** The limit is reached. */
  | 'too-many-lanes'
  /** Too many requests a second; the connection is ended. */
  | 'too-fast'
  /** The system refused, or the engine is gone. */
  | 'failed';

/** What the engine says to a page. */
export type ControlReply =
  /** The first message. Lanes of the session go when the connection does. */
  | { readonly type: 'session'; readonly session: string; readonly seed: number }
  | { readonly type: 'done'; readonly id: number }
  | ({ readonly type: 'splice'; readonly id: number } & SpliceAddress)
  | {
      readonly type: 'router';
      readonly id: number;
      readonly lane: string;
      readonly iceServers: readonly RouterServers[];
    }
  | { readonly type: 'statistics'; readonly id: number; readonly statistics: LinkStatistics }
  /** A file in Base64. */
  | { readonly type: 'capture'; readonly id: number; readonly pcapng: string }
  | {
      readonly type: 'error';
      /** null when the request had no readable number. */
      readonly id: number | null;
      readonly code: ControlErrorCode;
      readonly message: string;
    };

/** Where the peers of a call send to: each peer learns one of these ports as its only candidate. */
export interface SpliceAddress {
  readonly lane: string;
  readonly address: string;
  /** Of the first peer and of the second; what the first sends passes `forward`. */
  readonly ports: readonly [number, number];
}

/** What a lane of a session has carried since the last restart. */
export interface LaneStatistics {
  readonly lane: string;
  readonly kind: 'websocket' | 'splice' | 'router' | 'datagrams';
  /** From the client to its echo, from the first peer to the second, from the sender, or from behind the router. */
  readonly forward: PathStatistics;
  /** The acknowledgements, what the second peer sends, or what STUN and TURN servers send to behind the router. */
  readonly back: PathStatistics;
  /** The modelled connection; null for all but WebSockets. */
  readonly tcp: TcpModelCounts | null;
  /** What TCP sent again, in bytes on the wire with headers: since the lane was opened, across restarts. 0 for all but WebSockets. */
  readonly repeatedWireBytes: number;
  /** Datagrams of strangers, too long or too many, and those that a router's NAT does not let through. */
  readonly refused: number;
}

/** What a session's lanes have carried since the last restart. */
export interface LinkStatistics {
  readonly seed: number;
  /** How long ago that was, in ms. */
  readonly elapsedMs: number;
  /** How much later than the model says packets and messages left the engine. */
  readonly lateness: LatenessReport;
  /** The same, of the last 9 s. */
  readonly recentLateness: LatenessReport;
  readonly lanes: readonly LaneStatistics[];
}

/** Why the engine refused, as an error. */
export class LinkControlError extends Error {
  override readonly name: 'LinkControlError' = 'LinkControlError';
  readonly code: ControlErrorCode;

  constructor(code: ControlErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

const LANE_NAME = /^[A-Za-z0-9_-]{1,32}$/;
const MAX_ID = 2 ** 31 - 1;
/** Longest request, in characters: two traces of maximum length, with each number written in full, are some 6 million. */
export const MAX_REQUEST_LENGTH: number = 2 ** 23;
/** A point within a trace within settings within a request. */
const MAX_REQUEST_DEPTH = 5;
/** Two values a point, two traces, and room for all the rest. */
const MAX_REQUEST_VALUES = 2 * 2 * MAX_TRACE_POINTS + 1024;

/** Whether a name may be a lane's: 1 to 32 of A–Z, a–z, 0–9, _ and -. */
function isLaneName(name: string): boolean {
  return LANE_NAME.test(name);
}

/** Reads what a page sent. @throws PacketError and nothing else */
export function parseControlRequest(text: string): ControlRequest {
  const fields = fieldsOf(text);
  const id = integerField(fields, 'id', 0, MAX_ID);
  const { type } = fields;
  switch (type) {
    case 'configure':
      return {
        type,
        id,
        settings: settingsField(fields, 'settings'),
        back: (fields['back'] ?? null) === null ? null : settingsField(fields, 'back'),
      };
    case 'restart':
      return { type, id, seed: integerField(fields, 'seed', 0, 2 ** 32 - 1) };
    case 'statistics':
    case 'record':
      return { type, id };
    case 'open-router':
      return { type, id, lane: laneField(fields), router: routerField(fields) };
    case 'open-splice':
    case 'cut-splice':
    case 'capture':
    case 'open-quic':
    case 'close-lane':
      return { type, id, lane: laneField(fields) };
    default:
      throw new PacketError(
        'unknown-type',
        `There is no request of type ${describeOutside(type)}.`,
      );
  }
}

/** The number of a request that could not be read; null when not even that could. */
export function requestIdOf(text: string): number | null {
  try {
    return integerField(fieldsOf(text), 'id', 0, MAX_ID);
  } catch {
    return null;
  }
}

function fieldsOf(text: string): JsonFields {
  return parseJsonObject('A request', text, {
    maxLength: MAX_REQUEST_LENGTH,
    maxDepth: MAX_REQUEST_DEPTH,
    maxValues: MAX_REQUEST_VALUES,
  });
}

function integerField(fields: JsonFields, name: string, min: number, max: number): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new PacketError(
      'bad-field',
      `${name} must be an integer from ${min} to ${max}, got ${describeOutside(value)}.`,
    );
  }
  return value;
}

function laneField(fields: JsonFields): string {
  const { lane } = fields;
  if (typeof lane !== 'string' || !isLaneName(lane)) {
    throw new PacketError(
      'bad-field',
      `lane must be 1 to 32 of A–Z, a–z, 0–9, _ and -, got ${describeOutside(lane)}.`,
    );
  }
  return lane;
}

function routerField(fields: JsonFields): RouterSettings {
  return checked('router', () => checkRouterSettings(fields['router']));
}

function settingsField(fields: JsonFields, name: string): LinkSettings {
  return checked(name, () => checkLinkSettings(fields[name]));
}

/** The error for a wrong value in bytes from outside. */
function checked<T>(name: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    const words = errorText(cause);
    throw new PacketError('bad-field', `${name}: ${words}`, { cause });
  }
}
