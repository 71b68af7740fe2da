/**
 * The simulated network as a process of its own: work of the server cannot make a packet late. `LinkProcess` starts it, and
 * it ends with its parent.
 */
import { Socket } from 'node:net';
import os from 'node:os';
import { LinkEngine } from './engine.ts';
import type { FromEngine, ToEngine } from './process-messages.ts';
import type { SpliceAddress } from './protocol.ts';
import { LinkControlError } from './protocol.ts';
import { RealClock } from './real-clock.ts';
import { ErrorBoundary } from '../server/error-boundary.ts';
import { errorText } from '../../src/core/errors.ts';

const boundary = new ErrorBoundary('simulated network');
let engine: LinkEngine | null = null;
/** Connections that the server's process has not released yet, the oldest first; undefined: its client has already gone. */
const coming: ((() => void) | undefined)[] = [];

const say = (message: FromEngine): void => {
  process.send?.(message, undefined, undefined, () => {});
};

const onMessage = (message: ToEngine, connection: unknown): void => {
  if (message.type === 'begin') {
    engine = new LinkEngine(new RealClock(boundary), message.options, boundary);
    say({ type: 'ready' });
    return;
  }
  if (engine === null) return;
  switch (message.type) {
    case 'upgrade':
      coming.push(upgradeOf(engine, message, connection));
      return;
    case 'handed-over':
      coming.shift()?.();
      return;
    case 'open-splice':
      void saySplice(message.id, () => engine!.openSplice(message.link));
      return;
    case 'renew-splice':
      void saySplice(message.id, () => engine!.renewSplice(message.link, message.lane));
      return;
    case 'quic-server':
      engine.quicServer = message.server;
      return;
    case 'close-lane':
      engine.closeLane(message.link, message.lane);
      return;
  }
};
process.on('message', boundary.guard(onMessage));

process.on('disconnect', () => {
  engine?.close();
  process.exit();
});
// Ctrl+C in a terminal reaches both processes; the parent says when it is over.
process.on('SIGINT', () => {});

try {
  // Packets are small and urgent. Where a higher priority needs rights, it stays as it is.
  os.setPriority(os.constants.priority.PRIORITY_HIGH);
} catch {
  // As all the others.
}

/** @returns undefined when the client has gone meanwhile: then there is no connection */
function upgradeOf(
  upgrader: LinkEngine,
  { request, head }: Extract<ToEngine, { type: 'upgrade' }>,
  connection: unknown,
): (() => void) | undefined {
  if (!(connection instanceof Socket)) return undefined;
  // Until it is upgraded, nobody else would notice.
  connection.on('error', () => {});
  return () => upgrader.upgrade(request, connection, Buffer.from(head, 'base64'));
}

async function saySplice(id: number, open: () => Promise<SpliceAddress>): Promise<void> {
  try {
    say({ type: 'splice', id, splice: await open() });
  } catch (error) {
    const { code, message } =
      error instanceof LinkControlError ? error : new LinkControlError('failed', errorText(error));
    say({ type: 'refused', id, code, message });
  }
}
