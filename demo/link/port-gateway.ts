import type { ErrorBoundary } from '../server/error-boundary.ts';
import { DatagramLink } from './datagram-link.ts';
import type { LinkPort, ToGateway } from './link-port.ts';
import type { LinkSessions } from './link-sessions.ts';
import { PortSocket } from './port-socket.ts';
import { LinkControlError } from './protocol.ts';

/** RFC 6455 §7.4.1, as far as there is a code for it. */
const POLICY_VIOLATION = 1008;
const DATAGRAMS = /^datagrams\/([0-9a-f]{24})\/([A-Za-z0-9_-]{1,32})$/;

/**
 * Takes connections over ports, where there is no server: `control` and `lane/SESSION/NAME` as at the server's `/link/`;
 * `datagrams/SESSION/NAME` for the messages of a data channel; and `echo`, which passes no network.
 */
export class PortGateway {
  readonly #sessions: LinkSessions;
  readonly #boundary: ErrorBoundary;

  constructor(sessions: LinkSessions, boundary: ErrorBoundary) {
    this.#sessions = sessions;
    this.#boundary = boundary;
  }

  /** Takes the connections that come by this port. */
  serve(gateway: LinkPort): void {
    const onMessage = ({ data }: { readonly data: ToGateway }): void => {
      if (data.type === 'gateway') this.serve(data.port);
      else this.#connect(data.path, data.port);
    };
    gateway.onmessage = this.#boundary.guard(onMessage);
  }

  #connect(path: string, port: LinkPort): void {
    const [, name = '', lane = ''] = DATAGRAMS.exec(path) ?? [];
    if (name !== '') return this.#openDatagrams(name, lane, port);
    const socket = new PortSocket(port);
    if (path === 'echo') {
      socket.on('message', (data, binary) => socket.send(data, { binary }));
      return;
    }
    const admission = this.#sessions.admit(path);
    if (admission.kind === 'refused') socket.close(POLICY_VIOLATION, admission.status);
    else admission.take(socket);
  }

  /** A lane that there is no room for carries nothing, as its port is closed. */
  #openDatagrams(name: string, lane: string, port: LinkPort): void {
    try {
      const session = this.#sessions.find(name);
      if (session === undefined) port.close();
      else session.addCarrier(lane, (parts) => new DatagramLink(port, parts));
    } catch (error) {
      if (!(error instanceof LinkControlError)) throw error;
      port.close();
    }
  }
}
