import type { ErrorBoundary } from '../server/error-boundary.ts';
import type { WireSessions, WireUse } from '../server/wire-sessions.ts';
import { DatagramLink } from './datagram-link.ts';
import type { LinkPort, ToGateway } from './link-port.ts';
import type { LinkSessions } from './link-sessions.ts';
import { ABNORMAL_CLOSURE, PortSocket, refusePort } from './port-socket.ts';
import { LinkControlError } from './protocol.ts';

/** RFC 6455 §7.4.1, as far as it has a code. */
const POLICY_VIOLATION = 1008;
const WIRE = /^(session|plain|wire)\/(.*)$/;
const DATAGRAMS = /^datagrams\/([0-9a-f]{24})\/([A-Za-z0-9_-]{1,32})$/;

/**
 * Takes connections over ports, where there is no server: `control` and `lane/SESSION/NAME` as at the server's `/link/`;
 * `datagrams/SESSION/NAME` for the messages of a data channel; `echo`, which passes no network; `session/NAME` and `plain/NAME` over
 * the wire of that name, and `wire/NAME`, which takes the messages `cut`, `mend` and `record`, and answers each with the record.
 */
export class PortGateway {
  readonly #sessions: LinkSessions;
  readonly #wires: WireSessions;
  readonly #boundary: ErrorBoundary;

  constructor(sessions: LinkSessions, wires: WireSessions, boundary: ErrorBoundary) {
    this.#sessions = sessions;
    this.#wires = wires;
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
    const [, use, wire = ''] = WIRE.exec(path) ?? [];
    if (use !== undefined) return this.#openWire(use as WireUse | 'wire', wire, port);
    if (path === 'echo') {
      const socket = new PortSocket(port);
      socket.on('message', (data, binary) => socket.send(data, { binary }));
      return;
    }
    const admission = this.#sessions.admit(path);
    if (admission.kind === 'refused') refusePort(port, POLICY_VIOLATION, admission.status);
    else admission.take(new PortSocket(port));
  }

  #openWire(use: WireUse | 'wire', name: string, port: LinkPort): void {
    const wire = this.#wires.open(name);
    if (!wire) return refusePort(port, POLICY_VIOLATION, 'There is no room for this wire.');
    if (use !== 'wire') {
      // A cut wire carries no refusal either.
      if (wire.isCut) refusePort(port, ABNORMAL_CLOSURE, '');
      else this.#wires.serve(use, name, new PortSocket(port));
      return;
    }
    const socket = new PortSocket(port);
    socket.on('message', (data) => {
      const verb = new TextDecoder().decode(data);
      if (verb === 'cut') wire.cut();
      else if (verb === 'mend') wire.mend();
      socket.send(JSON.stringify(this.#wires.record(name)), { binary: false });
    });
  }

  /** A lane without room carries nothing, because its port is closed. */
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
