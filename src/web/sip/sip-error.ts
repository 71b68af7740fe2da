import { MicwireError } from '../../core/errors.ts';
import { sipStatus } from '../../core/sip/sip-status.ts';

/**
 * The kind of a refusal:
 * - `'busy'`: the callee is in another call (486, 600);
 * - `'declined'`: the callee, or a program for them, does not want the call (403, 603, 607, 608);
 * - `'not-found'`: there is no such user, or no device of theirs is registered (404, 410, 484, 485, 604);
 * - `'unauthorized'`: the user name or the password is wrong, or missing (401, 407; 403 when registering);
 * - `'unavailable'`: the callee does not answer, or cannot answer now (408, 480);
 * - `'incompatible'`: the two sides have no codec or no encryption in common (406, 415, 488, 606);
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

/** A refusal by a server or the callee: a `MicwireError` with code `'refused'` and the SIP status. */
export class SipError extends MicwireError {
  /** SIP status, 300 to 699 (RFC 3261 §21). */
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

/** Returns the nearest valid status of a refusal, because a status from the network may be invalid. */
function refusalStatus(status: number): number {
  return Number.isInteger(status) ? Math.min(699, Math.max(300, status)) : 500;
}

function refused(what: string, status: number): SipError {
  const known = refusalStatus(status);
  return new SipError(what, known, REASONS.get(known) ?? 'failed');
}

/** Creates the error of a call that failed with a status. */
export function callRefused(status: number): SipError {
  return refused('The call failed', status);
}

/** Creates the error of a change of the call that the other side refused. */
export function changeRefused(status: number): SipError {
  return refused('The other side refused the change, and the call continues as it is', status);
}

/** Creates the error of a registration that failed with a status. */
export function registrationRefused(status: number): SipError {
  const what = 'The registration failed';
  return status === 403 ? new SipError(what, status, 'unauthorized') : refused(what, status);
}

/** The reasons that JsSIP itself gives, and the nearest status; `undefined` if no status is near. */
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

/** Creates the error of a call that failed without a response. @param cause the cause as named by JsSIP */
export function callFailure(cause: string): MicwireError {
  const [status, message] = (Object.hasOwn(CAUSES, cause) ? CAUSES[cause] : undefined) ?? [
    undefined,
    'The call failed in the SIP library: see the ladder.',
  ];
  return status === undefined ? new MicwireError('transport', message) : callRefused(status);
}
