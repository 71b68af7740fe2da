import { PacketError } from '../errors.ts';
import { checkObject } from '../option-names.ts';
import { short } from '../short-text.ts';
import { parseSipAuthentication } from './sip-authentication.ts';
import { sipHeaderRow } from './sip-header-table.ts';
import { parseSipMessage } from './sip-message.ts';
import type { SipHeader, SipMessage } from './sip-message.ts';
import { sipStatus } from './sip-status.ts';
import { collapse, splitValue } from './sip-syntax.ts';
import { readSipAddress } from './sip-uri.ts';

/** A header with its explanation. */
export interface ExplainedSipHeader extends SipHeader {
  /** Where it is defined, such as `'RFC 3261 §20.8'`; empty for an unknown header. */
  readonly clause: string;
  /** One or more sentences in plain words, with the `fault` at the end. */
  readonly explanation: string;
}

/** A message with explanations of its first line and headers. */
export interface ExplainedSipMessage {
  readonly message: SipMessage;
  /** Explanation of the first line. */
  readonly start: { readonly clause: string; readonly explanation: string };
  /** Headers in order. */
  readonly headers: readonly ExplainedSipHeader[];
}

/**
 * Reads a SIP message and explains its first line and each of its headers, with the clause of the standard. Use `explainSdp` for
 * the body. An explanation repeats at most 80 characters of a value. Takes linear time.
 * @param data a message, or anything that {@link parseSipMessage} takes
 * @throws PacketError as {@link parseSipMessage} does
 */
export function explainSipMessage(data: string | Uint8Array | SipMessage): ExplainedSipMessage {
  const isRaw = typeof data === 'string' || ArrayBuffer.isView(data);
  const message = isRaw ? parseSipMessage(data) : data;
  checkObject('data must be text, bytes or a SipMessage', message, 'headers', 'method');
  return {
    message,
    start: explainStart(message),
    headers: message.headers.map((header) => ({ ...header, ...explainHeader(header, message) })),
  };
}

/** The meaning of each method. */
const METHODS: ReadonlyMap<string, readonly [clause: string, words: string]> = new Map([
  ['INVITE', ['RFC 3261 §13', 'asks for a call']],
  ['ACK', ['RFC 3261 §13.2.2.4', 'confirms the final response to an INVITE']],
  ['BYE', ['RFC 3261 §15', 'hangs up']],
  ['CANCEL', ['RFC 3261 §9', 'takes an INVITE back that is not answered yet']],
  ['REGISTER', ['RFC 3261 §10', 'tells the registrar where a user can be reached']],
  ['OPTIONS', ['RFC 3261 §11', 'asks what the other side can do']],
  ['PRACK', ['RFC 3262 §4', 'acknowledges a provisional response']],
  ['UPDATE', ['RFC 3311 §5', 'changes a call that need not be answered yet']],
  ['INFO', ['RFC 6086 §4', 'carries data within a call, such as a key that was pressed']],
  ['REFER', ['RFC 3515 §2.4', 'asks the other side to call somebody: a transfer']],
  ['NOTIFY', ['RFC 6665 §4.2.2', 'tells a subscriber the news']],
  ['SUBSCRIBE', ['RFC 6665 §4.1.2', 'asks to be told news']],
  ['MESSAGE', ['RFC 3428 §4', 'carries a text message']],
  ['PUBLISH', ['RFC 3903 §4', 'publishes a state, such as presence']],
]);

function explainStart(message: SipMessage): ExplainedSipMessage['start'] {
  if (message.kind === 'response') {
    const { clause, meaning } = sipStatus(message.status);
    return { clause, explanation: `Response to ${short(message.method)}. ${meaning}` };
  }
  const [clause, words] = METHODS.get(message.method) ?? ['', 'is a method not explained here'];
  if (message.method === 'INVITE' && message.to.tag !== '') {
    const change = 'INVITE within a call (re-INVITE) changes it, for example to put it on hold.';
    return { clause: 'RFC 3261 §14', explanation: change };
  }
  const name = short(message.method);
  const ends =
    message.method === 'REGISTER' && isUnregistering(message)
      ? ' Here it ends the registration (§10.2.2).'
      : '';
  const isDefined = clause !== '';
  const sentence = `${name} ${words}. It is addressed to ${short(message.uri.text)}.${ends}`;
  return { clause: isDefined ? clause : 'RFC 3261 §7.1', explanation: sentence };
}

function isUnregistering(message: SipMessage): boolean {
  const expires = message.headers.find(({ name }) => name === 'Expires')?.value;
  const [contact] = message.contacts;
  return (contact?.parameters.get('expires') ?? expires) === '0';
}

function explainHeader(
  header: SipHeader,
  message: SipMessage,
): Pick<ExplainedSipHeader, 'clause' | 'explanation'> {
  const row = sipHeaderRow(header.name);
  const words =
    row?.words ??
    'A header that is not explained here. Receivers ignore those that they do not know.';
  const details = DETAILS.get(header.name)?.(header.value, message) ?? '';
  const parts = [words, details, header.fault].filter((part) => part !== '');
  return { clause: row?.clause ?? '', explanation: parts.join(' ') };
}

/** Explanations of values. */
const DETAILS: ReadonlyMap<string, (value: string, message: SipMessage) => string> = new Map<
  string,
  (value: string, message: SipMessage) => string
>([
  ['Via', viaWords],
  ['From', (_value, { from }) => (from.tag === '' ? 'It has no tag: RFC 2543 is older.' : '')],
  [
    'To',
    (_value, { kind, to }) => {
      if (to.tag !== '') return 'It has a tag: the dialog exists, or begins with this response.';
      return kind === 'request' ? 'It has no tag yet: this request begins something new.' : '';
    },
  ],
  [
    'Contact',
    (value) => (value === '*' ? 'The star means every address of the user (§10.2.2).' : ''),
  ],
  ['Expires', (value) => (value === '0' ? 'This one ends it.' : `Here: ${short(value)} s.`)],
  ['Record-Route', routeWords],
  ['Route', routeWords],
  ['Max-Forwards', (value) => `Here: ${short(value)} more.`],
  ['WWW-Authenticate', challengeWords],
  ['Proxy-Authenticate', challengeWords],
  ['Authorization', answerWords],
  ['Proxy-Authorization', answerWords],
  ['Supported', extensionWords],
  ['Require', extensionWords],
  ['Proxy-Require', extensionWords],
  ['Unsupported', extensionWords],
]);

function viaWords(value: string): string {
  const words: string[] = [];
  const transport = /^SIP ?\/ ?2\.0 ?\/ ?(\w+)/i.exec(collapse(value.slice(0, 200)))?.[1] ?? '';
  if (/^wss?$/i.test(transport)) words.push('This hop is a WebSocket (RFC 7118).');
  if (/;\s*received\s*=/i.test(value)) {
    words.push('received: the address it really came from (§18.2.1).');
  }
  if (/;\s*rport\b/i.test(value)) words.push('rport: answer to the port it came from (RFC 3581).');
  if (/\.invalid\b/i.test(value)) {
    words.push('A page does not know its own address and writes .invalid (RFC 7118 §5.2).');
  }
  return words.join(' ');
}

/** Explains routes (RFC 3261 §16.12). A field may name several proxies. */
function routeWords(value: string): string {
  let strict = 0;
  let all: readonly string[];
  try {
    all = splitValue('Route', value, ',');
    for (const each of all) {
      if (!readSipAddress('Route', each).uri.parameters.has('lr')) strict++;
    }
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    return '';
  }
  if (strict === 0) return '';
  const which = strict === all.length ? '' : `, ${strict} of ${all.length}`;
  return `Without lr${which}: a strict router of RFC 2543, whose address takes the place of the request’s URI (§16.12).`;
}

function challengeWords(value: string): string {
  const parameters = parametersOf(value);
  if (parameters === null) return '';
  const algorithm = short(parameters.get('algorithm') ?? 'MD5');
  const stale = parameters.get('stale')?.toLowerCase() === 'true';
  const realm = short(parameters.get('realm') ?? '');
  const words = `For the realm ${realm}, with ${algorithm}.`;
  return stale ? `${words} stale: the password was right, only the nonce was too old.` : words;
}

function answerWords(value: string): string {
  const parameters = parametersOf(value);
  if (parameters === null) return '';
  const user = short(parameters.get('username') ?? '');
  return `From the user ${user}. The response is a hash: the password itself is not in it.`;
}

function parametersOf(value: string): ReadonlyMap<string, string> | null {
  try {
    return parseSipAuthentication(value).parameters;
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    return null;
  }
}

/** Option tags of common extensions (IANA, SIP Option Tags). */
const EXTENSIONS: Readonly<Record<string, string>> = {
  '100rel': 'reliable provisional responses (RFC 3262)',
  timer: 'session timers (RFC 4028)',
  replaces: 'calls that replace others (RFC 3891)',
  outbound: 'several connections to the proxy (RFC 5626)',
  path: 'Path (RFC 3327)',
  gruu: 'an address for one device (RFC 5627)',
  norefersub: 'REFER without a subscription (RFC 4488)',
  ice: 'ICE (RFC 5768)',
  trickle: 'candidates one by one (RFC 8840)',
  precondition: 'preconditions (RFC 3312)',
  'from-change': 'changes of From (RFC 4916)',
  tdialog: 'Target-Dialog (RFC 4538)',
  histinfo: 'History-Info (RFC 7044)',
};

function extensionWords(value: string): string {
  const tags = value.slice(0, 1024).split(',');
  const known = new Set(
    tags.flatMap((tag) => {
      const name = tag.trim().toLowerCase();
      return Object.hasOwn(EXTENSIONS, name) ? [`${name}: ${EXTENSIONS[name]}`] : [];
    }),
  );
  return known.size === 0 ? '' : `${[...known].join(', ')}.`;
}
