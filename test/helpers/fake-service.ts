import { decodeBase64, encodeBase64 } from '../../src/core/base64/base64.ts';
import { PacketError } from '../../src/core/errors.ts';
import type { StreamFormat } from '../../src/core/format/stream-format.ts';
import type {
  Service,
  ServiceConnection,
  ServiceEvent,
  ServiceRequest,
  WireMessage,
} from '../../src/core/services/service.ts';
import type { WebSocketLike } from '../../src/core/socket.ts';

/** Bytes before the payload of a message with audio: its first frame, and whether it was replayed. */
const HEADER_BYTES = 9;

const STREAM: StreamFormat = { format: 's16', sampleRate: 16_000, channels: 1 };
const OUTPUT: StreamFormat = { format: 's16', sampleRate: 24_000, channels: 1 };

/** A service whose requests and events cross the wire as they are: JSON, and audio with its frame. */
export function fakeService(options: Partial<Service> = {}): Service {
  return {
    id: 'fake',
    transport: 'websocket',
    input: STREAM,
    output: OUTPUT,
    chunkDurationMs: 20,
    encoding: 'binary',
    readyOnOpen: false,
    answersEnd: false,
    acknowledges: true,
    overlapMs: 0,
    replaySpeed: 4,
    muteAs: 'nothing',
    keepAliveMs: 0,
    address: (url, token) => ({ url, protocols: token === undefined ? [] : ['fake', token] }),
    connect: () => new FakeConnection(),
    afterClose: (code) => (code === 4401 ? 'stop' : 'retry'),
    ...options,
  };
}

class FakeConnection implements ServiceConnection {
  encode(request: ServiceRequest): readonly WireMessage[] {
    if (request.type !== 'audio') return [JSON.stringify(request)];
    const { frame, bytes } = request.audio;
    const message = new Uint8Array(HEADER_BYTES + bytes.length);
    new DataView(message.buffer).setFloat64(0, frame);
    message[HEADER_BYTES - 1] = request.replayed ? 1 : 0;
    message.set(bytes, HEADER_BYTES);
    return [message];
  }
  decode(message: string | Uint8Array): readonly ServiceEvent[] {
    if (typeof message !== 'string') throw new PacketError('unknown-type', 'Not text.');
    return [readEvent(message)];
  }
}

function writeEvent(event: ServiceEvent): string {
  return JSON.stringify(event, (_, value: unknown) =>
    value instanceof Uint8Array ? { base64: encodeBase64(value) } : value,
  );
}

function readEvent(text: string): ServiceEvent {
  return JSON.parse(text, (_, value: { base64?: string } | null) =>
    typeof value?.base64 === 'string' ? decodeBase64(value.base64) : value,
  ) as ServiceEvent;
}

/** Audio as it came to the server. */
export interface ServedAudio {
  readonly frame: number;
  readonly replayed: boolean;
  readonly samples: Int16Array;
}

/** A socket whose other end is in the test's hands. */
export class FakeSocket implements WebSocketLike {
  readonly url: string;
  readonly protocols: readonly string[];
  binaryType = 'blob';
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  /** The code that this side closed with; undefined: it has not. */
  closed: number | undefined;
  readonly requests: ServiceRequest[] = [];
  readonly audio: ServedAudio[] = [];
  /** Called with each request that comes. */
  onrequest: (request: ServiceRequest) => void = () => {};
  /** Called with audio that comes. */
  onaudio: (audio: ServedAudio) => void = () => {};

  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
  }
  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (typeof data === 'string') {
      const request = JSON.parse(data) as ServiceRequest;
      this.requests.push(request);
      this.onrequest(request);
      return;
    }
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const audio = {
      frame: view.getFloat64(0),
      replayed: data[HEADER_BYTES - 1] === 1,
      samples: new Int16Array(data.slice(HEADER_BYTES).buffer),
    };
    this.audio.push(audio);
    this.onaudio(audio);
  }
  close(code = 1005): void {
    this.closed ??= code;
  }
  /** The connection is made, and the service is ready. */
  open(): void {
    this.onopen?.({} as never);
    this.say({ type: 'ready' });
  }
  say(event: ServiceEvent): void {
    this.onmessage?.({ data: writeEvent(event) } as never);
  }
  /** The service has everything that it was sent. */
  acknowledge(): void {
    const last = this.audio.at(-1);
    if (last !== undefined) {
      this.say({ type: 'acknowledged', frame: last.frame + last.samples.length });
    }
  }
  /** The connection ends from the other side. */
  cut(code = 1006, reason = ''): void {
    this.onclose?.({ code, reason } as never);
  }
}

/** A server for {@link fakeService}: makes the sockets of a session. */
export class FakeServer {
  readonly sockets: FakeSocket[] = [];
  /** Whether connections are made at once, and audio is acknowledged. */
  isUp = true;

  readonly createSocket = (url: string, protocols: readonly string[]): FakeSocket => {
    const socket = new FakeSocket(url, protocols);
    this.sockets.push(socket);
    queueMicrotask(() => {
      if (!this.isUp) return socket.cut();
      socket.onaudio = () => queueMicrotask(() => socket.acknowledge());
      socket.open();
    });
    return socket;
  };

  /** The newest connection. */
  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  /** All audio that came, of all connections. */
  get audio(): readonly ServedAudio[] {
    return this.sockets.flatMap(({ audio }) => audio);
  }
}
