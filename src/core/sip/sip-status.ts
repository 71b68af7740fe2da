import { integerIn } from '../arguments.ts';

/** The meaning of a SIP status (RFC 3261 §21 and extensions). */
export interface SipStatusMeaning {
  readonly status: number;
  /** The standard's words for it; empty for an unknown status. */
  readonly phrase: string;
  /** Where it is defined. */
  readonly clause: string;
  /** What it means. */
  readonly meaning: string;
  /** What the caller can do; empty unless the request failed. */
  readonly cure: string;
}

/** Add a row for a new status. */
const ROWS: readonly (readonly [
  status: number,
  phrase: string,
  clause: string,
  meaning: string,
  cure: string,
])[] = [
  [100, 'Trying', 'RFC 3261 §21.1.1', 'The request is here and is being worked on.', ''],
  [180, 'Ringing', 'RFC 3261 §21.1.2', 'The callee’s telephone rings.', ''],
  [181, 'Call Is Being Forwarded', 'RFC 3261 §21.1.3', 'The call goes to another address.', ''],
  [182, 'Queued', 'RFC 3261 §21.1.4', 'The callee is busy, and the call waits.', ''],
  [183, 'Session Progress', 'RFC 3261 §21.1.5', 'News of the call, often with early audio.', ''],
  [199, 'Early Dialog Terminated', 'RFC 6228', 'One of several telephones rings no more.', ''],
  [200, 'OK', 'RFC 3261 §21.2.1', 'Done; for an INVITE: the call is answered.', ''],
  [202, 'Accepted', 'RFC 3515 §2.4.2', 'Accepted; what comes of it is told later.', ''],
  [204, 'No Notification', 'RFC 5839 §7.1', 'Nothing has changed.', ''],
  [300, 'Multiple Choices', 'RFC 3261 §21.3.1', 'Several addresses.', 'Call one of them.'],
  [301, 'Moved Permanently', 'RFC 3261 §21.3.2', 'Another address.', 'Call the one in Contact.'],
  [302, 'Moved Temporarily', 'RFC 3261 §21.3.3', 'Another address for now.', 'Call that one.'],
  [305, 'Use Proxy', 'RFC 3261 §21.3.4', 'A proxy must be used.', 'Call by that proxy.'],
  [380, 'Alternative Service', 'RFC 3261 §21.3.5', 'Another service.', 'See the body.'],
  [400, 'Bad Request', 'RFC 3261 §21.4.1', 'The request cannot be read.', 'See the ladder.'],
  [
    401,
    'Unauthorized',
    'RFC 3261 §21.4.2',
    'The server asks for a password, or it was wrong.',
    'Check the user name and the password.',
  ],
  [402, 'Payment Required', 'RFC 3261 §21.4.3', 'Payment is required.', 'Ask the provider.'],
  [
    403,
    'Forbidden',
    'RFC 3261 §21.4.4',
    'The server understands, and refuses.',
    'Check the password, and whether this user may call.',
  ],
  [
    404,
    'Not Found',
    'RFC 3261 §21.4.5',
    'There is no such user, or no device of theirs is registered.',
    'Check the address, and whether the callee is registered.',
  ],
  [
    405,
    'Method Not Allowed',
    'RFC 3261 §21.4.6',
    'The other side does not take this method.',
    'Its Allow header names those that it takes.',
  ],
  [
    406,
    'Not Acceptable',
    'RFC 3261 §21.4.7',
    'The other side cannot answer in a form that the sender reads.',
    'Check the Accept header.',
  ],
  [
    407,
    'Proxy Authentication Required',
    'RFC 3261 §21.4.8',
    'The proxy asks for a password, or it was wrong.',
    'Check the user name and the password.',
  ],
  [
    408,
    'Request Timeout',
    'RFC 3261 §21.4.9',
    'No answer came in time.',
    'Check that the callee is online, or try later.',
  ],
  [410, 'Gone', 'RFC 3261 §21.4.10', 'The user is gone for good.', 'Check the address.'],
  [
    413,
    'Request Entity Too Large',
    'RFC 3261 §21.4.11',
    'The body is too long.',
    'Offer fewer codecs and candidates.',
  ],
  [414, 'Request-URI Too Long', 'RFC 3261 §21.4.12', 'The URI is too long.', 'Shorten it.'],
  [
    415,
    'Unsupported Media Type',
    'RFC 3261 §21.4.13',
    'The format of the body is not known.',
    'See Accept in the response.',
  ],
  [416, 'Unsupported URI Scheme', 'RFC 3261 §21.4.14', 'Not this scheme.', 'Use a sip: address.'],
  [420, 'Bad Extension', 'RFC 3261 §21.4.15', 'An extension is not known.', 'See Unsupported.'],
  [421, 'Extension Required', 'RFC 3261 §21.4.16', 'An extension is missing.', 'See Require.'],
  [
    422,
    'Session Interval Too Small',
    'RFC 4028 §6',
    'The session timer is too short.',
    'Use the one in Min-SE.',
  ],
  [
    423,
    'Interval Too Brief',
    'RFC 3261 §21.4.17',
    'The registration is too short.',
    'Use the time in Min-Expires.',
  ],
  [
    480,
    'Temporarily Unavailable',
    'RFC 3261 §21.4.18',
    'The callee cannot be reached now, or does not answer.',
    'Try later.',
  ],
  [
    481,
    'Call/Transaction Does Not Exist',
    'RFC 3261 §21.4.19',
    'The other side does not know this call any more.',
    'Call again.',
  ],
  [482, 'Loop Detected', 'RFC 3261 §21.4.20', 'The request goes in circles.', 'Check the proxies.'],
  [483, 'Too Many Hops', 'RFC 3261 §21.4.21', 'Too many proxies.', 'Check the proxies.'],
  [484, 'Address Incomplete', 'RFC 3261 §21.4.22', 'The number is too short.', 'Complete it.'],
  [485, 'Ambiguous', 'RFC 3261 §21.4.23', 'The address fits several users.', 'Use a full address.'],
  [
    486,
    'Busy Here',
    'RFC 3261 §21.4.24',
    'The callee is in another call.',
    'Try later, or leave a message.',
  ],
  [487, 'Request Terminated', 'RFC 3261 §21.4.25', 'The caller hung up before the answer.', ''],
  [
    488,
    'Not Acceptable Here',
    'RFC 3261 §21.4.26',
    'The two have no codec or no encryption in common.',
    'Compare the descriptions of both. A telephone without DTLS-SRTP needs a media gateway such as rtpengine.',
  ],
  [489, 'Bad Event', 'RFC 6665 §8.3.2', 'That event is not known.', 'See Allow-Events.'],
  [
    491,
    'Request Pending',
    'RFC 3261 §21.4.27',
    'Both sides changed the call at once.',
    'Try again.',
  ],
  [493, 'Undecipherable', 'RFC 3261 §21.4.28', 'The body cannot be decrypted.', 'Check the keys.'],
  [500, 'Server Internal Error', 'RFC 3261 §21.5.1', 'The server has failed.', 'Try later.'],
  [501, 'Not Implemented', 'RFC 3261 §21.5.2', 'The server does not know the method.', ''],
  [502, 'Bad Gateway', 'RFC 3261 §21.5.3', 'A server behind it failed.', 'Try later.'],
  [
    503,
    'Service Unavailable',
    'RFC 3261 §21.5.4',
    'The server is overloaded or being serviced.',
    'Try later: Retry-After may tell when.',
  ],
  [504, 'Server Time-out', 'RFC 3261 §21.5.5', 'A server behind it did not answer.', 'Try later.'],
  [505, 'Version Not Supported', 'RFC 3261 §21.5.6', 'Another version of SIP.', ''],
  [513, 'Message Too Large', 'RFC 3261 §21.5.7', 'The message is too long.', 'Offer fewer codecs.'],
  [580, 'Precondition Failure', 'RFC 3312 §8', 'A precondition is not met.', ''],
  [
    600,
    'Busy Everywhere',
    'RFC 3261 §21.6.1',
    'Every device of the callee is busy.',
    'Try later, or leave a message.',
  ],
  [603, 'Decline', 'RFC 3261 §21.6.2', 'The callee does not want the call.', 'Do not try again.'],
  [
    604,
    'Does Not Exist Anywhere',
    'RFC 3261 §21.6.3',
    'There is no such user anywhere.',
    'Check the address.',
  ],
  [
    606,
    'Not Acceptable',
    'RFC 3261 §21.6.4',
    'No device takes this kind of call.',
    'Compare the descriptions of both.',
  ],
  [607, 'Unwanted', 'RFC 8197 §5', 'The callee does not want such calls.', 'Do not try again.'],
  [608, 'Rejected', 'RFC 8688 §3', 'A program in between rejected the call.', 'Ask the provider.'],
];

/** Meanings of the classes: an unknown status has that of its class (RFC 3261 §7.2). */
const CLASSES: readonly string[] = [
  'The request is being worked on.',
  'Done.',
  'Another address must be tried.',
  'The request cannot be carried out here.',
  'The server has failed.',
  'No server can carry the request out.',
];

const BY_STATUS: ReadonlyMap<number, SipStatusMeaning> = new Map(
  ROWS.map(([status, phrase, clause, meaning, cure]) => [
    status,
    { status, phrase, clause, meaning, cure },
  ]),
);

/**
 * Returns the meaning of a status. An unknown status has the meaning of its class (RFC 3261 §7.2).
 * @param status 100 to 699
 * @throws RangeError or TypeError for anything else
 */
export function sipStatus(status: number): SipStatusMeaning {
  const known = BY_STATUS.get(integerIn('status', status, 100, 699));
  if (known !== undefined) return known;
  const meaning = CLASSES[Math.floor(status / 100) - 1]!;
  return { status, phrase: '', clause: 'RFC 3261 §7.2', meaning, cure: '' };
}
