/* Calls of SIP as RFC 3665 writes them, with Alice and Bob at one proxy; what each side sends is written out. */

/** One message on its way. */
export interface FlowStep {
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly data: string;
}

/** Lines with their ends; the length of the body is filled in. */
export function sipText(lines: readonly string[], body: readonly string[] = []): string {
  const text = body.map((line) => `${line}\r\n`).join('');
  const type = text === '' ? [] : ['Content-Type: application/sdp'];
  const head = [...lines, ...type, `Content-Length: ${text.length}`];
  return `${head.map((line) => `${line}\r\n`).join('')}\r\n${text}`;
}

const ALICE_URI = 'sip:alice@atlanta.example.com';
const BOB_URI = 'sip:bob@biloxi.example.com';
const ALICE = `Alice <${ALICE_URI}>;tag=9fxced76sl`;
const BOB = `Bob <${BOB_URI}>`;
const BOB_TAG = `${BOB};tag=314159`;
const ALICE_CONTACT = 'Contact: <sip:alice@client.atlanta.example.com>';
const BOB_CONTACT = 'Contact: <sip:bob@client.biloxi.example.com>';
const CALL_ID = 'Call-ID: 2xTb9vxSit55XU7p8@atlanta.example.com';
const via = (branch: string): string =>
  `Via: SIP/2.0/UDP client.atlanta.example.com:5060;branch=z9hG4bK${branch}`;
const bobVia = (branch: string): string =>
  `Via: SIP/2.0/UDP client.biloxi.example.com:5060;branch=z9hG4bK${branch}`;

/** A description of RFC 3665 §3.1. */
export const sdp = (who: string, port: number, direction = ''): string[] => [
  'v=0',
  `o=${who} 2890844526 2890844526 IN IP4 client.${who === 'alice' ? 'atlanta' : 'biloxi'}.example.com`,
  's=-',
  'c=IN IP4 192.0.2.101',
  't=0 0',
  `m=audio ${port} RTP/AVP 0`,
  'a=rtpmap:0 PCMU/8000',
  ...(direction === '' ? [] : [`a=${direction}`]),
];

/** Makes the steps of a call: `out` from Alice, `back` to her. */
class Flow {
  readonly steps: FlowStep[] = [];
  #atMs = 0;

  out(lines: readonly string[], body: readonly string[] = []): this {
    return this.#step('alice', 'proxy', sipText(lines, body));
  }

  back(lines: readonly string[], body: readonly string[] = []): this {
    return this.#step('proxy', 'alice', sipText(lines, body));
  }

  again(): this {
    const { from, to, data } = this.steps.at(-1)!;
    return this.#step(from, to, data);
  }

  #step(from: string, to: string, data: string): this {
    this.steps.push({ atMs: this.#atMs, from, to, data });
    this.#atMs += 10;
    return this;
  }
}

const request = (
  method: string,
  cseq: number,
  branch: string,
  to: string,
  more: readonly string[] = [],
): string[] => [
  `${method} ${to === BOB ? BOB_URI : 'sip:bob@client.biloxi.example.com'} SIP/2.0`,
  via(branch),
  'Max-Forwards: 70',
  `From: ${ALICE}`,
  `To: ${to}`,
  CALL_ID,
  `CSeq: ${cseq} ${method}`,
  ...more,
];
const response = (
  line: string,
  cseq: string,
  branch: string,
  to: string,
  more: readonly string[] = [],
): string[] => [
  `SIP/2.0 ${line}`,
  `${via(branch)};received=192.0.2.101`,
  `From: ${ALICE}`,
  `To: ${to}`,
  CALL_ID,
  `CSeq: ${cseq}`,
  ...more,
];
const invite = (flow: Flow): Flow =>
  flow
    .out(request('INVITE', 1, '74bf9', BOB, [ALICE_CONTACT]), sdp('alice', 49_172))
    .back(response('100 Trying', '1 INVITE', '74bf9', BOB));
const ringing = (flow: Flow): Flow =>
  invite(flow).back(response('180 Ringing', '1 INVITE', '74bf9', BOB_TAG, [BOB_CONTACT]));
const answered = (flow: Flow): Flow =>
  ringing(flow)
    .back(response('200 OK', '1 INVITE', '74bf9', BOB_TAG, [BOB_CONTACT]), sdp('bob', 3456))
    .out(request('ACK', 1, '74bd5', BOB_TAG));
const byeOfBob = (flow: Flow): Flow =>
  flow
    .back([
      'BYE sip:alice@client.atlanta.example.com SIP/2.0',
      bobVia('nashds7'),
      'Max-Forwards: 70',
      `From: ${BOB_TAG}`,
      `To: ${ALICE}`,
      CALL_ID,
      'CSeq: 1 BYE',
    ])
    .out([
      'SIP/2.0 200 OK',
      `${bobVia('nashds7')};received=192.0.2.201`,
      `From: ${BOB_TAG}`,
      `To: ${ALICE}`,
      CALL_ID,
      'CSeq: 1 BYE',
    ]);
const refused = (line: string) => (): FlowStep[] =>
  invite(new Flow())
    .back(response(line, '1 INVITE', '74bf9', BOB_TAG))
    .out(request('ACK', 1, '74bf9', BOB_TAG)).steps;

const CHALLENGE =
  'Proxy-Authenticate: Digest realm="atlanta.example.com", qop="auth", nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=MD5';
const CREDENTIALS =
  'Proxy-Authorization: Digest username="alice", realm="atlanta.example.com", nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", uri="sip:bob@biloxi.example.com", response="42ce3cef44b22f50c6a6071bc8"';

/** Eight kinds of calls, as Alice sees them. */
export const CALL_FLOWS: Readonly<Record<string, () => readonly FlowStep[]>> = {
  /** RFC 3665 §3.1, with an answer that comes twice. */
  answered: () => {
    const flow = ringing(new Flow())
      .back(response('200 OK', '1 INVITE', '74bf9', BOB_TAG, [BOB_CONTACT]), sdp('bob', 3456))
      .again()
      .out(request('ACK', 1, '74bd5', BOB_TAG));
    return byeOfBob(flow).steps;
  },
  /** RFC 3665 §3.8. */
  cancelled: () =>
    ringing(new Flow())
      .out(request('CANCEL', 1, '74bf9', BOB))
      .back(response('200 OK', '1 CANCEL', '74bf9', BOB_TAG))
      .back(response('487 Request Terminated', '1 INVITE', '74bf9', BOB_TAG))
      .out(request('ACK', 1, '74bf9', BOB_TAG)).steps,
  /** RFC 3665 §3.9. */
  busy: refused('486 Busy Here'),
  declined: refused('603 Decline'),
  'not found': refused('404 Not Found'),
  /** RFC 3665 §3.2. */
  challenged: () => {
    const tag = `${BOB};tag=3flal12sf`;
    const flow = new Flow()
      .out(request('INVITE', 1, '74b03', BOB, [ALICE_CONTACT]), sdp('alice', 49_172))
      .back(response('407 Proxy Authentication Required', '1 INVITE', '74b03', tag, [CHALLENGE]))
      .out(request('ACK', 1, '74b03', tag))
      .out(request('INVITE', 2, '74bf9', BOB, [CREDENTIALS, ALICE_CONTACT]), sdp('alice', 49_172))
      .back(response('100 Trying', '2 INVITE', '74bf9', BOB))
      .back(response('200 OK', '2 INVITE', '74bf9', BOB_TAG, [BOB_CONTACT]), sdp('bob', 3456))
      .out(request('ACK', 2, '74b44', BOB_TAG));
    return byeOfBob(flow).steps;
  },
  /** RFC 3665 §3.7 changes the session; this one puts it on hold (RFC 6337 §5.3). */
  held: () => {
    const flow = answered(new Flow())
      .out(
        request('INVITE', 2, '74bf0', BOB_TAG, [ALICE_CONTACT]),
        sdp('alice', 49_172, 'sendonly'),
      )
      .back(
        response('200 OK', '2 INVITE', '74bf0', BOB_TAG, [BOB_CONTACT]),
        sdp('bob', 3456, 'recvonly'),
      )
      .out(request('ACK', 2, '74bd6', BOB_TAG));
    return byeOfBob(flow).steps;
  },
  /** RFC 3262: a provisional response that is sent reliably. */
  'early audio': () => {
    const flow = new Flow()
      .out(
        request('INVITE', 1, '74bf9', BOB, [ALICE_CONTACT, 'Supported: 100rel']),
        sdp('alice', 49_172),
      )
      .back(
        response('183 Session Progress', '1 INVITE', '74bf9', BOB_TAG, [
          BOB_CONTACT,
          'Require: 100rel',
          'RSeq: 988789',
        ]),
        sdp('bob', 3456),
      )
      .out(request('PRACK', 2, '74bf1', BOB_TAG, ['RAck: 988789 1 INVITE']))
      .back(response('200 OK', '2 PRACK', '74bf1', BOB_TAG))
      .back(response('200 OK', '1 INVITE', '74bf9', BOB_TAG, [BOB_CONTACT]))
      .out(request('ACK', 1, '74bd5', BOB_TAG));
    return byeOfBob(flow).steps;
  },
};
