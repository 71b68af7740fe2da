import { parseSipMessage } from 'micwire/sip-ladder';
import type { SipRequest } from 'micwire/sip-ladder';
import type { WebSocketLike } from '../../src/core/socket.ts';

/** What the server answers a request: a status, or null for nothing. */
export type Answers = (request: SipRequest) => number | null;

/** A SIP server in the page: each socket that it makes is a connection to it. It answers as it is told. */
export class FakeSipServer {
  readonly sockets: FakeSipSocket[] = [];
  readonly requests: SipRequest[] = [];
  answers: Answers = () => 200;

  readonly createSocket = (): FakeSipSocket => {
    const socket = new FakeSipSocket(this);
    this.sockets.push(socket);
    return socket;
  };

  get methods(): string[] {
    return this.requests.map(({ method }) => method);
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
    if (message.kind !== 'request') return;
    this.#server.requests.push(message);
    if (message.method === 'ACK') return;
    const status = this.#server.answers(message);
    if (status !== null) setTimeout(() => this.tell(answerTo(message, status)));
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
function answerTo(request: SipRequest, status: number): string {
  const copied = request.headers.filter(({ name }) =>
    ['Via', 'From', 'Call-ID', 'CSeq'].includes(name),
  );
  const contact = request.headers.find(({ name }) => name === 'Contact')?.text;
  const lines = [
    `SIP/2.0 ${status} Status ${status}`,
    ...copied.map(({ text }) => text),
    `To: <${request.to.uri.text}>;tag=server`,
    ...(contact === undefined || status >= 300 ? [] : [contact]),
    'Content-Length: 0',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
