/** A known header. */
export interface SipHeaderRow {
  /** Its full form in its usual spelling. */
  readonly name: string;
  /** Its compact form (RFC 3261 §7.3.3); empty if it has no such form. */
  readonly compact: string;
  /** Where it is defined. */
  readonly clause: string;
  /** Whether a message may have it only once. */
  readonly once: boolean;
  /** Its meaning, in a sentence. */
  readonly words: string;
}

const ONCE = true;
const MANY = false;

/** Every header of RFC 3261 §20, and those of extensions that telephones and servers send. Add a row for a new header. */
const ROWS: readonly (readonly [
  name: string,
  compact: string,
  clause: string,
  once: boolean,
  words: string,
])[] = [
  ['Accept', '', 'RFC 3261 §20.1', MANY, 'Formats of bodies that the sender can read.'],
  ['Accept-Contact', 'a', 'RFC 3841 §9.2', MANY, 'Which devices of the callee are preferred.'],
  ['Accept-Encoding', '', 'RFC 3261 §20.2', MANY, 'Compressions that the sender can read.'],
  ['Accept-Language', '', 'RFC 3261 §20.3', MANY, 'Languages that the sender prefers.'],
  ['Alert-Info', '', 'RFC 3261 §20.4', MANY, 'Another ringing tone for this call.'],
  ['Allow', '', 'RFC 3261 §20.5', MANY, 'Methods that the sender takes.'],
  ['Allow-Events', 'u', 'RFC 6665 §8.2.2', MANY, 'Events that the sender tells subscribers.'],
  ['Answer-Mode', '', 'RFC 5373 §4', ONCE, 'Whether the callee is to answer by itself.'],
  [
    'Authentication-Info',
    '',
    'RFC 3261 §20.6',
    MANY,
    'The server’s proof that it knows the password, and the next nonce.',
  ],
  [
    'Authorization',
    '',
    'RFC 3261 §20.7',
    MANY,
    'The answer to a challenge (401): proof that the sender knows the password.',
  ],
  [
    'Call-ID',
    'i',
    'RFC 3261 §20.8',
    ONCE,
    'Names the call, together with the tags of From and To; or all registrations of a client.',
  ],
  ['Call-Info', '', 'RFC 3261 §20.9', MANY, 'More about the caller or the callee.'],
  [
    'Contact',
    'm',
    'RFC 3261 §20.10',
    MANY,
    'Where the sender can be reached directly: later requests of the dialog go there.',
  ],
  ['Content-Disposition', '', 'RFC 3261 §20.11', ONCE, 'What the body is for.'],
  ['Content-Encoding', 'e', 'RFC 3261 §20.12', MANY, 'How the body is compressed.'],
  ['Content-Language', '', 'RFC 3261 §20.13', MANY, 'The language of the body.'],
  [
    'Content-Length',
    'l',
    'RFC 3261 §20.14',
    ONCE,
    'Length of the body in bytes. A stream needs it; a WebSocket does not (RFC 7118 §4).',
  ],
  ['Content-Type', 'c', 'RFC 3261 §20.15', ONCE, 'The format of the body.'],
  [
    'CSeq',
    '',
    'RFC 3261 §20.16',
    ONCE,
    'Numbers the requests of a dialog, and names the method. A response repeats it.',
  ],
  ['Date', '', 'RFC 3261 §20.17', ONCE, 'When it was first sent.'],
  ['Diversion', '', 'RFC 5806 §3', MANY, 'Who forwarded the call, and why.'],
  ['Error-Info', '', 'RFC 3261 §20.18', MANY, 'More about the failure.'],
  ['Event', 'o', 'RFC 6665 §8.2.1', ONCE, 'What is subscribed to, or told.'],
  ['Expires', '', 'RFC 3261 §20.19', ONCE, 'How long it is valid, in seconds; 0 ends it.'],
  ['Flow-Timer', '', 'RFC 5626 §11.3', ONCE, 'How often a client sends keep-alives, in seconds.'],
  [
    'From',
    'f',
    'RFC 3261 §20.20',
    ONCE,
    'Who sends the request. The tag names the sender’s end of the dialog.',
  ],
  ['Geolocation', '', 'RFC 6442 §4.1', MANY, 'Where the caller is.'],
  ['History-Info', '', 'RFC 7044 §5', MANY, 'To whom the request was addressed before.'],
  ['Identity', 'y', 'RFC 8224 §4', MANY, 'A signature by the caller’s provider.'],
  ['Info-Package', '', 'RFC 6086 §7.2', ONCE, 'What the body of an INFO request says.'],
  ['In-Reply-To', '', 'RFC 3261 §20.21', MANY, 'Calls that this one returns.'],
  ['Join', '', 'RFC 3911 §7.1', ONCE, 'A call that this one joins.'],
  ['Max-Breadth', '', 'RFC 5393 §5.3', ONCE, 'To how many places at once it may be forked.'],
  [
    'Max-Forwards',
    '',
    'RFC 3261 §20.22',
    ONCE,
    'How many more hops the request may take. Each proxy takes one off; at 0 it answers 483.',
  ],
  ['Min-Expires', '', 'RFC 3261 §20.23', ONCE, 'The shortest registration, in seconds.'],
  ['Min-SE', '', 'RFC 4028 §5', ONCE, 'The shortest session timer, in seconds.'],
  ['MIME-Version', '', 'RFC 3261 §20.24', ONCE, 'The version of MIME: 1.0.'],
  ['Organization', '', 'RFC 3261 §20.25', ONCE, 'The sender’s organization.'],
  ['P-Access-Network-Info', '', 'RFC 7315 §4.4', MANY, 'The network by which the sender comes.'],
  ['P-Asserted-Identity', '', 'RFC 3325 §9.1', MANY, 'The caller, as the provider knows them.'],
  ['P-Preferred-Identity', '', 'RFC 3325 §9.2', MANY, 'The name that the caller would like.'],
  [
    'Path',
    '',
    'RFC 3327 §4',
    MANY,
    'Proxies between the registrar and the client, for requests to it.',
  ],
  ['Priority', '', 'RFC 3261 §20.26', ONCE, 'How urgent the request is.'],
  ['Privacy', '', 'RFC 3323 §4.2', MANY, 'What about the caller is to be hidden.'],
  [
    'Proxy-Authenticate',
    '',
    'RFC 3261 §20.27',
    MANY,
    'A challenge (407): the proxy asks for proof that the sender knows the password.',
  ],
  [
    'Proxy-Authorization',
    '',
    'RFC 3261 §20.28',
    MANY,
    'The answer to a challenge (407): proof that the sender knows the password.',
  ],
  [
    'Proxy-Require',
    '',
    'RFC 3261 §20.29',
    MANY,
    'Extensions that proxies must know; else they answer 420.',
  ],
  [
    'RAck',
    '',
    'RFC 3262 §7.2',
    ONCE,
    'Which response a PRACK acknowledges: its RSeq, and the CSeq of the INVITE.',
  ],
  ['Reason', '', 'RFC 3326 §2', MANY, 'Why the request was sent.'],
  [
    'Record-Route',
    '',
    'RFC 3261 §20.30',
    MANY,
    'Proxies that want to stay in the path for the rest of the dialog.',
  ],
  ['Recv-Info', '', 'RFC 6086 §7.3', MANY, 'Packages of INFO that the sender takes.'],
  ['Refer-Sub', '', 'RFC 4488 §4', ONCE, 'Whether a REFER makes a subscription.'],
  ['Refer-To', 'r', 'RFC 3515 §2.1', ONCE, 'Whom the other side is to call: a transfer.'],
  ['Referred-By', 'b', 'RFC 3892 §3', ONCE, 'Who asked for the transfer.'],
  ['Reject-Contact', 'j', 'RFC 3841 §9.2', MANY, 'Which devices are not to be tried.'],
  ['Replaces', '', 'RFC 3891 §6.1', ONCE, 'A call that this one takes the place of.'],
  ['Reply-To', '', 'RFC 3261 §20.31', ONCE, 'Where a call back should go.'],
  ['Request-Disposition', 'd', 'RFC 3841 §9.1', MANY, 'How proxies are to pass the request on.'],
  [
    'Require',
    '',
    'RFC 3261 §20.32',
    MANY,
    'Extensions that the receiver must know; else it answers 420.',
  ],
  ['Retry-After', '', 'RFC 3261 §20.33', ONCE, 'When to try again, in seconds.'],
  [
    'Route',
    '',
    'RFC 3261 §20.34',
    MANY,
    'Proxies that the request must visit, in this order. lr: they leave the request’s URI alone.',
  ],
  [
    'RSeq',
    '',
    'RFC 3262 §7.1',
    ONCE,
    'Numbers a provisional response that is sent reliably: a PRACK must acknowledge it.',
  ],
  ['Security-Client', '', 'RFC 3329 §2.2', MANY, 'Security mechanisms of the client.'],
  ['Security-Server', '', 'RFC 3329 §2.2', MANY, 'Security mechanisms of the server.'],
  ['Security-Verify', '', 'RFC 3329 §2.2', MANY, 'The mechanisms that the server had told.'],
  ['Server', '', 'RFC 3261 §20.35', ONCE, 'The program that answers.'],
  [
    'Service-Route',
    '',
    'RFC 3608 §5',
    MANY,
    'Proxies that a registered client’s requests go through.',
  ],
  [
    'Session-Expires',
    'x',
    'RFC 4028 §4',
    ONCE,
    'A timer, in seconds: the call ends unless one side refreshes it in time.',
  ],
  ['SIP-ETag', '', 'RFC 3903 §11.3.1', ONCE, 'Names a published state.'],
  ['SIP-If-Match', '', 'RFC 3903 §11.3.2', ONCE, 'The published state that is changed.'],
  ['Subject', 's', 'RFC 3261 §20.36', ONCE, 'What the call is about.'],
  ['Subscription-State', '', 'RFC 6665 §8.2.3', ONCE, 'Whether a subscription is still valid.'],
  ['Supported', 'k', 'RFC 3261 §20.37', MANY, 'Extensions that the sender knows.'],
  ['Target-Dialog', '', 'RFC 4538 §7', ONCE, 'A dialog that proves the sender’s right.'],
  ['Timestamp', '', 'RFC 3261 §20.38', ONCE, 'When it was sent, to measure the round trip.'],
  [
    'To',
    't',
    'RFC 3261 §20.39',
    ONCE,
    'To whom the request is addressed. The tag, which the answering side adds, names its end of the dialog.',
  ],
  ['Unsupported', '', 'RFC 3261 §20.40', MANY, 'Extensions that the receiver does not know.'],
  ['User-Agent', '', 'RFC 3261 §20.41', ONCE, 'The program that asks.'],
  ['User-to-User', '', 'RFC 7433 §4', MANY, 'Data from one application to the other.'],
  [
    'Via',
    'v',
    'RFC 3261 §20.42',
    MANY,
    'A hop that the request took; responses go back the same way. The branch names the transaction on this hop.',
  ],
  ['Warning', '', 'RFC 3261 §20.43', MANY, 'More about the status, for people.'],
  [
    'WWW-Authenticate',
    '',
    'RFC 3261 §20.44',
    MANY,
    'A challenge (401): the server asks for proof that the sender knows the password.',
  ],
];

const BY_NAME: ReadonlyMap<string, SipHeaderRow> = new Map(
  ROWS.flatMap(([name, compact, clause, once, words]) => {
    const row: SipHeaderRow = { name, compact, clause, once, words };
    const names = compact === '' ? [name] : [name, compact];
    return names.map((each) => [each.toLowerCase(), row] as const);
  }),
);

/** Returns the row of a header, by its full or compact form in any case. */
export function sipHeaderRow(name: string): SipHeaderRow | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** Returns the full form of a name in its usual spelling; an unknown name is unchanged. */
export function canonicalName(name: string): string {
  return sipHeaderRow(name)?.name ?? name;
}

/** Returns whether a message may have this header only once. */
export function isKnownOnce(name: string): boolean {
  return sipHeaderRow(name)?.once ?? false;
}
