import type { CallStep, CallStepName } from 'micwire';
import { SipLadder } from 'micwire/sip-ladder';
import type { SipLadderEntry } from 'micwire/sip-ladder';

/** A call as SIP would carry it. */
export interface SipCallParts {
  /** The descriptions that it carries. */
  readonly offer: string;
  /** null: it is not answered yet. */
  readonly answer: string | null;
  readonly hungUp: boolean;
}

/** The caller, a page, and its proxy. */
const PAGE = 'page';
const PROXY = 'proxy';
const ALICE = '<sip:alice@example.com>;tag=9fxced76sl';
const BOB = '<sip:bob@example.com>';
const BOB_TAG = `${BOB};tag=314159`;
const BOB_CONTACT = '<sip:bob@198.51.100.22:5060;transport=tcp>';
/** A page does not know its own address (RFC 7118 §5). */
const PAGE_HOST = 'df7jal23ls0d.invalid';
/** The proxy stays on the path of the dialog (RFC 3261 §16.6): a page can reach nobody else. */
const ROUTE = '<sip:proxy.example.com;transport=ws;lr>';
const PAGE_CONTACT = `<sip:alice@${PAGE_HOST};transport=ws>`;
const CALL_ID = 'Call-ID: 2xTb9vxSit55XU7p8@df7jal23ls0d.invalid';

/**
 * The ladder of a call: INVITE, 100, 180, 200, ACK, BYE and its 200, as a page and its proxy send them over a WebSocket (RFC 7118), each
 * message complete. The descriptions are the call's own. Their times are their order.
 */
export function sipCallLadder({ offer, answer, hungUp }: SipCallParts): readonly SipLadderEntry[] {
  const ladder = new SipLadder();
  let atMs = 0;
  const send = (from: string, lines: readonly string[], body = ''): void => {
    const to = from === PAGE ? PROXY : PAGE;
    ladder.add({ atMs: atMs++, from, to, data: messageOf(lines, body) });
  };
  const invite = via('776asdhds');
  send(
    PAGE,
    [
      'INVITE sip:bob@example.com SIP/2.0',
      invite,
      'Max-Forwards: 70',
      `From: ${ALICE}`,
      `To: ${BOB}`,
      CALL_ID,
      'CSeq: 1 INVITE',
      `Contact: ${PAGE_CONTACT}`,
      'Supported: ice, outbound',
      'User-Agent: micwire lab',
    ],
    offer,
  );
  const back = (line: string, to: string, more: readonly string[] = []): readonly string[] => [
    line,
    `${invite};received=203.0.113.5`,
    `From: ${ALICE}`,
    `To: ${to}`,
    CALL_ID,
    'CSeq: 1 INVITE',
    ...more,
  ];
  const contact = [`Record-Route: ${ROUTE}`, `Contact: ${BOB_CONTACT}`];
  send(PROXY, back('SIP/2.0 100 Trying', BOB));
  send(PROXY, back('SIP/2.0 180 Ringing', BOB_TAG, contact));
  if (answer === null) return ladder.entries;
  send(PROXY, back('SIP/2.0 200 OK', BOB_TAG, contact), answer);
  send(PAGE, request('ACK', 1, '77asjd3h', BOB_TAG));
  if (!hungUp) return ladder.entries;
  send(PAGE, request('BYE', 2, '87asdks7', BOB_TAG));
  send(PROXY, [
    'SIP/2.0 200 OK',
    `${via('87asdks7')};received=203.0.113.5`,
    `From: ${ALICE}`,
    `To: ${BOB_TAG}`,
    CALL_ID,
    'CSeq: 2 BYE',
  ]);
  return ladder.entries;
}

function request(method: string, cseq: number, branch: string, to: string): readonly string[] {
  return [
    `${method} sip:bob@198.51.100.22:5060;transport=tcp SIP/2.0`,
    via(branch),
    'Max-Forwards: 70',
    `Route: ${ROUTE}`,
    `From: ${ALICE}`,
    `To: ${to}`,
    CALL_ID,
    `CSeq: ${cseq} ${method}`,
  ];
}

function via(branch: string): string {
  return `Via: SIP/2.0/WSS ${PAGE_HOST};branch=z9hG4bK${branch}`;
}

/** Lines with their ends; the length of the body is filled in. */
function messageOf(lines: readonly string[], body: string): string {
  const type = body === '' ? [] : ['Content-Type: application/sdp'];
  const length = new TextEncoder().encode(body).length;
  return `${[...lines, ...type, `Content-Length: ${length}`].join('\r\n')}\r\n\r\n${body}`;
}

/** Descriptions of a telephone call (after RFC 3665 §3.1), shown before there is a call. */
const description = (who: string, host: string, port: number): string =>
  [
    'v=0',
    `o=${who} 2890844526 2890844526 IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    'a=rtpmap:0 PCMU/8000',
    '',
  ].join('\r\n');

/** A whole call between two telephones. */
export const EXAMPLE_SIP_CALL: SipCallParts = {
  offer: description('alice', '192.0.2.101', 49_172),
  answer: description('bob', '198.51.100.22', 3456),
  hungUp: true,
};

/** The WebRTC call beside it, as far as it has progressed; null before its offer. */
export function sipPartsOf(
  offer: string | null,
  answer: string | null,
  steps: readonly CallStep[],
): SipCallParts | null {
  if (offer === null) return null;
  const close = steps.find(({ name }) => name === 'close');
  return { offer, answer, hungUp: close !== undefined && close.startMs !== null };
}

/** What SIP has for each of WebRTC's steps. */
export const SIP_FOR_STEP: Readonly<Record<CallStepName, string>> = {
  create: 'Nothing is sent. A telephone has registered long before (REGISTER, §10).',
  signal:
    'INVITE carries the offer, 200 OK the answer, ACK ends the handshake. 100 and 180 tell the caller that it is under way, and that it rings. WebRTC leaves all of this to the app.',
  ice: 'Classic SIP has nothing here: the addresses in the SDP are used as they are. With ICE the same checks run (RFC 8839).',
  media: 'RTP begins, encrypted with keys from SDES or DTLS if the SDP says so, else unencrypted.',
  data: 'Nothing: texts and keys go in SIP messages of their own (MESSAGE, INFO), or in RTP (RFC 4733).',
  close:
    'BYE and its 200 OK. WebRTC has no message for it: the app tells the other side, or the connection ends.',
};
