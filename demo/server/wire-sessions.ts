import { PacketError } from '../../src/core/errors.ts';
import { binaryFraming } from '../../src/core/framing/binary.ts';
import type { Packet } from '../../src/core/framing/packet.ts';
import { CLOSING } from '../../src/core/session/protocol.ts';
import type { ServerSession } from '../../src/core/session/server/server-session.ts';
import { SessionServer } from '../../src/core/session/server/session-server.ts';
import type { ErrorBoundary } from './error-boundary.ts';
import type { MessageSocket } from './message-socket.ts';
import type { Wire, WireRecord } from './wire.ts';
import { Wires } from './wire.ts';

/** What a connection over a wire is for. */
export type WireUse = 'session' | 'plain';

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_WIRES = 64;
/** How often `tick` is to be called, ms. */
export const WIRE_TICK_MS = 50;

/**
 * Serves micwire's own protocol, and a plain echo, over wires that can be cut. Records which frames of both have arrived, and sends the
 * audio back. Knows nothing of how connections are made.
 */
export class WireSessions {
  readonly #wires = new Wires(MAX_WIRES);
  readonly #boundary: ErrorBoundary;
  /** The wire of each session, by its id. */
  readonly #wireOf = new Map<string, Wire>();
  readonly #server: SessionServer;

  constructor(boundary: ErrorBoundary) {
    this.#boundary = boundary;
    this.#server = new SessionServer({
      open: ({ session, token }) => {
        const wire = this.#wires.find(token ?? '');
        if (wire !== undefined) this.#wireOf.set(session, wire);
        return {};
      },
      audio: (session, { frame, frames, bytes }) => {
        this.#wireOf.get(session.id)?.session.add(frame, frames);
        session.write({ item: echoItem(session), bytes, frames });
      },
      ended: (session) => void this.#wireOf.delete(session.id),
      failed: (error) => boundary.report(error),
    });
  }

  tick(): void {
    this.#server.tick(performance.now());
  }

  /** Finds or makes a wire. @returns null for a name that may not be one; undefined where there is no room */
  open(name: string): Wire | null | undefined {
    return NAME.test(name) ? this.#wires.open(name, performance.now()) : null;
  }

  /** Takes a connection over a wire that is open under that name. */
  serve(use: WireUse, name: string, socket: MessageSocket): void {
    const wire = this.#wires.find(name);
    if (wire === undefined) return socket.terminate();
    socket.on('error', () => {});
    wire.add(socket);
    if (use === 'session') this.#serveSession(socket, name);
    else this.#servePlain(socket, wire);
  }

  /** @returns undefined for a name that may not be a wire's */
  record(name: string): WireRecord | undefined {
    if (!NAME.test(name)) return undefined;
    const wire = this.#wires.find(name);
    return {
      cut: wire?.isCut ?? false,
      session: wire?.session.spans ?? [],
      plain: wire?.plain.spans ?? [],
    };
  }

  close(): void {
    this.#wires.close();
  }

  #serveSession(socket: MessageSocket, name: string): void {
    const connection = this.#server.connect(
      {
        get bufferedBytes() {
          return socket.bufferedAmount;
        },
        send: (message) => socket.send(message, { binary: typeof message !== 'string' }),
        close: (code, reason) => socket.close(code, reason),
      },
      { token: name },
      performance.now(),
    );
    socket.on('message', (data, isBinary) => {
      connection.receive(isBinary ? data : TEXT.decode(data), performance.now());
    });
    socket.on('close', () => connection.closed(performance.now()));
  }

  #servePlain(socket: MessageSocket, wire: Wire): void {
    const decoder = binaryFraming.createDecoder();
    const read = (bytes: Uint8Array): readonly Packet[] | null => {
      try {
        return decoder.decode(bytes);
      } catch (error) {
        // The peer's fault, so the error goes to the peer, not to the log.
        if (!(error instanceof PacketError)) throw error;
        socket.close(CLOSING.badMessage, 'A message must be a packet.');
        return null;
      }
    };
    const onMessage = (bytes: Uint8Array): void => {
      const packets = socket.readyState === socket.OPEN ? read(bytes) : null;
      if (packets === null) return;
      for (const { frame, frames } of packets) wire.plain.add(frame, frames);
      socket.send(bytes, { binary: true });
    };
    socket.on(
      'message',
      this.#boundary.guard(onMessage, () => socket.terminate()),
    );
  }
}

/** Unchanged: the parser refuses a byte order mark. */
const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });

/** All that a session sends back is one item: the plain WebSocket's audio has no parts either. */
function echoItem({ id }: ServerSession): string {
  return `echo-${id}`;
}
