import { MicwireError } from '../../core/errors.ts';
import { sipStatus } from '../../core/sip/sip-status.ts';

/**
 * What kind of refusal it is:
 * - `'busy'`: the callee is in another call (486, 600);
 * - `'declined'`: the callee, or a program for them, does not want the call (403, 603, 607, 608);
 * - `'not-found'`: there is no such user, or no device of theirs is registered (404, 410, 484, 485, 604);
 * - `'unauthorized'`: the user name or the password is wrong, or missing (401, 407; 403 when registering);
 * - `'unavailable'`: nobody answers, or not now (408, 480);
 * - `'incompatible'`: the two have no codec or no encryption in common (406, 415, 488, 606);
 * - `'failed'`: any other status.
 */
export type SipErrorReason =
  | 'busy'
  | 'declined'
  | 'not-found'
  | 'unauthorized'
  | 'unavailable'
  | 'incompatible'
  | 'failed';

const REASONS: ReadonlyMap<number, SipErrorReason> = new Map([
  [401, 'unauthorized'],
  [403, 'declined'],
  [404, 'not-found'],
  [406, 'incompatible'],
  [407, 'unauthorized'],
  [408, 'unavailable'],
  [410, 'not-found'],
  [415, 'incompatible'],
  [480, 'unavailable'],
  [484, 'not-found'],
  [485, 'not-found'],
  [486, 'busy'],
  [488, 'incompatible'],
  [600, 'busy'],
  [603, 'declined'],
  [604, 'not-found'],
  [606, 'incompatible'],
  [607, 'declined'],
  [608, 'declined'],
]);

/** A server or the callee refused: a `MicwireError` with code `'refused'` and the status of SIP. */
export class SipError extends MicwireError {
  /** 300 to 699 (RFC 3261 §21). */
  readonly status: number;
  readonly reason: SipErrorReason;

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): value is SipError {
    return value instanceof MicwireError && value.code === 'refused' && 'status' in value;
  }

  /** @internal */
  constructor(what: string, status: number, reason: SipErrorReason) {
    const { phrase, meaning, cure } = sipStatus(status);
    const words = [`${what}: ${status} ${phrase}`.trim() + '.', meaning, cure];
    super('refused', words.filter((part) => part !== '').join(' '));
    this.status = status;
    this.reason = reason;
  }
}

/** What came from a network may be no status of a refusal: the nearest one. */
function refusalStatus(status: number): number {
  return Number.isInteger(status) ? Math.min(699, Math.max(300, status)) : 500;
}

function refused(what: string, status: number): SipError {
  const known = refusalStatus(status);
  return new SipError(what, known, REASONS.get(known) ?? 'failed');
}

/** A call failed with a status. */
export function callRefused(status: number): SipError {
  return refused('The call failed', status);
}

/** The other side does not agree to a change of the call. */
export function changeRefused(status: number): SipError {
  return refused('The other side refused the change, and the call continues as it is', status);
}

/** A registration failed with a status. */
export function registrationRefused(status: number): SipError {
  const what = 'The registration failed';
  return status === 403 ? new SipError(what, status, 'unauthorized') : refused(what, status);
}

/** What JsSIP calls its own reasons, and the status that comes nearest; `undefined`: none does. */
const CAUSES: Readonly<Record<string, readonly [status: number | undefined, message: string]>> = {
  'Request Timeout': [408, ''],
  'No Answer': [480, ''],
  Expires: [480, ''],
  'Bad Media Description': [488, ''],
  'Incompatible SDP': [488, ''],
  'Missing SDP': [488, ''],
  'Connection Error': [
    undefined,
    'The connection to the SIP server was lost while the call was made. Is the server up?',
  ],
  'RTP Timeout': [
    undefined,
    'No way for the audio was found, or it was lost (ICE failed). Between networks, name a TURN server in iceServers.',
  ],
  'No ACK': [undefined, 'The other side did not confirm the answer (no ACK). Is the server up?'],
  'WebRTC Error': [undefined, 'The browser refused the description of the other side.'],
};

/** A call failed without a response. @param cause as JsSIP names it */
export function callFailure(cause: string): MicwireError {
  const [status, message] = (Object.hasOwn(CAUSES, cause) ? CAUSES[cause] : undefined) ?? [
    undefined,
    'The call failed in the SIP library: see the ladder.',
  ];
  return status === undefined ? new MicwireError('transport', message) : callRefused(status);
}
