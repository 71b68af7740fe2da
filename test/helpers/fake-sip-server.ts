import { parseSipMessage } from 'micwire/sip-ladder';
import type { SipRequest, SipResponse } from 'micwire/sip-ladder';
import type { WebSocketLike } from '../../src/core/socket.ts';

/** A status, with a description where there is one; null: nothing. */
type Answer = number | FullAnswer | null;

interface FullAnswer {
  readonly status: number;
  readonly sdp: string;
  /** Further headers; a Contact takes the place of the page's own. */
  readonly headers?: readonly string[];
}

/** What the server answers a request. */
export type Answers = (request: SipRequest) => Answer | Promise<Answer>;

/** A SIP server in the page: each socket that it makes is a connection to it. It answers as it is told. */
export class FakeSipServer {
  readonly sockets: FakeSipSocket[] = [];
  readonly requests: SipRequest[] = [];
  readonly responses: SipResponse[] = [];
  #branches = 0;
  answers: Answers = () => 200;

  readonly createSocket = (): FakeSipSocket => {
    const socket = new FakeSipSocket(this);
    this.sockets.push(socket);
    return socket;
  };

  get methods(): string[] {
    return this.requests.map(({ method }) => method);
  }

  /** What the page has answered to requests of that method, but for 100. */
  statuses(asked: string): number[] {
    return this.responses
      .filter(({ method, status }) => method === asked && status > 100)
      .map(({ status }) => status);
  }

  /**
   * Sends a request to the page.
   * @param call the page's own INVITE, for a request within its call; null: a request of its own
   */
  ask(method: string, call: SipRequest | null, more: readonly string[] = []): void {
    const { contact } = /^Contact: <(?<contact>[^>]+)>/m.exec(this.requests[0]!.text)!.groups!;
    const number = ++this.#branches;
    const to = call === null ? '' : `;tag=${call.from.tag}`;
    const lines = [
      `${method} ${contact} SIP/2.0`,
      `Via: SIP/2.0/WS server.invalid;branch=z9hG4bK${number}`,
      'Max-Forwards: 70',
      `From: <sip:bob@sip.test>;tag=${call === null ? `new${number}` : 'server'}`,
      `To: <sip:alice@sip.test>${to}`,
      `Call-ID: ${call === null ? `new${number}` : call.callId}`,
      `CSeq: ${number} ${method}`,
      'Contact: <sip:bob@sip.test>',
      ...more,
      'Content-Length: 0',
    ];
    this.sockets.at(-1)!.tell(`${lines.join('\r\n')}\r\n\r\n`);
  }
}

class FakeSipSocket implements WebSocketLike {
  binaryType = '';
  readonly bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  isClosed = false;
  readonly #server: FakeSipServer;

  constructor(server: FakeSipServer) {
    this.#server = server;
    setTimeout(() => this.onopen?.({} as never));
  }

  send(data: string | Uint8Array): void {
    const message = parseSipMessage(data);
    if (message.kind !== 'request') {
      this.#server.responses.push(message);
      return;
    }
    this.#server.requests.push(message);
    if (message.method !== 'ACK') void this.#answer(message);
  }

  async #answer(request: SipRequest): Promise<void> {
    const answer = await this.#server.answers(request);
    if (answer === null) return;
    const full = typeof answer === 'number' ? { status: answer, sdp: '' } : answer;
    setTimeout(() => this.tell(answerTo(request, full)));
  }

  /** Sends to the page. */
  tell(data: unknown): void {
    this.onmessage?.({ data } as never);
  }

  /** Cuts the connection. */
  cut(): void {
    this.onclose?.({ wasClean: false, code: 1006, reason: '' } as never);
  }

  close(): void {
    this.isClosed = true;
  }
}

/** RFC 3261 §8.2.6. */
function answerTo(request: SipRequest, { status, sdp, headers = [] }: FullAnswer): string {
  const copied = request.headers.filter(({ name }) =>
    ['Via', 'From', 'Call-ID', 'CSeq'].includes(name),
  );
  const isGiven = headers.some((line) => line.startsWith('Contact:'));
  const own = request.headers.find(({ name }) => name === 'Contact')?.text;
  const contact = isGiven ? undefined : own;
  const lines = [
    `SIP/2.0 ${status} Status ${status}`,
    ...copied.map(({ text }) => text),
    `To: <${request.to.uri.text}>;tag=server`,
    ...(contact === undefined || status >= 300 ? [] : [contact]),
    ...headers,
    ...(sdp === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${sdp.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${sdp}`;
}
