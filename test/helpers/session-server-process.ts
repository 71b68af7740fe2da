import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';
import { CLOSING, PROTOCOL_NAME } from '../../src/core/session/protocol.ts';
import { SessionServer } from '../../src/core/session/server/session-server.ts';
import type { ServerSession } from '../../src/core/session/server/server-session.ts';
import { tokenOf } from '../../src/core/session/token-protocol.ts';
import { recordOf, recordsIn } from './session-records.ts';
import type { SessionProcessSettings } from './session-server.ts';

/*
 * The process of `SessionServerProcess`: a real server of micwire.1. Its settings are JSON in the environment; its first line of
 * output is its port. SIGTERM: it tells its clients, closes their connections and ends. Other signals end it as a crash would.
 */

const settings = JSON.parse(
  process.env['MICWIRE_SESSION_SERVER'] ?? '{}',
) as SessionProcessSettings;
/** The file of each session, open for writing. */
const files = new Map<string, number>();

/** The end of what the session's file holds. What an earlier process was writing when it was killed is cut off. */
function openFile(session: string): number {
  const path = join(settings.folder, `${session}.records`);
  const { records, bytes } = recordsIn(path);
  const file = openSync(path, 'a');
  ftruncateSync(file, bytes);
  const before = files.get(session);
  if (before !== undefined) closeSync(before);
  files.set(session, file);
  const last = records.at(-1);
  return last === undefined ? 0 : last.frame + last.frames;
}

/** The item that a session is echoed as. */
function echo(session: ServerSession, bytes: Uint8Array, frames: number): void {
  session.data ??= `echo-${session.replyFrame}`;
  session.write({ item: session.data as string, bytes, frames });
}

const server = new SessionServer(
  {
    open({ session, token }) {
      if (settings.token !== undefined && token !== settings.token) {
        return { code: CLOSING.notAllowed, reason: 'The token is wrong.' };
      }
      return { frame: openFile(session) };
    },
    audio(session, audio) {
      // One call: a process that is killed has written all of it, or leaves a piece that the next one cuts off.
      writeSync(files.get(session.id)!, recordOf(audio));
      if (settings.echo === true) echo(session, audio.bytes, audio.frames);
    },
    commit(session) {
      if (typeof session.data === 'string') session.endItem(session.data);
      session.data = undefined;
    },
    interrupted(session) {
      session.data = undefined;
    },
    message(session, value) {
      session.send(value);
    },
    ended(session) {
      closeSync(files.get(session.id)!);
      files.delete(session.id);
    },
    failed(error) {
      throw error;
    },
  },
  settings.server,
);

const http = createServer();
const sockets = new WebSocketServer({
  server: http,
  maxPayload: 2 ** 20,
  perMessageDeflate: false,
  handleProtocols: (protocols) => (protocols.has(PROTOCOL_NAME) ? PROTOCOL_NAME : false),
});
sockets.on('connection', (socket, request) => {
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/);
  const connection = server.connect(
    {
      get bufferedBytes() {
        return socket.bufferedAmount;
      },
      send: (message) => socket.send(message),
      close: (code, reason) => socket.close(code, reason),
    },
    { token: tokenOf(protocols) },
    performance.now(),
  );
  socket.on('message', (data: Buffer, isBinary) => {
    connection.receive(isBinary ? data : data.toString(), performance.now());
  });
  socket.on('close', () => connection.closed(performance.now()));
  socket.on('error', () => {});
});
setInterval(() => server.tick(performance.now()), 20);
process.once('SIGTERM', () => {
  server.leave(LEAVE_MS, performance.now());
  setTimeout(() => process.exit(0), 2 * LEAVE_MS);
});

const LEAVE_MS = 300;

http.listen(settings.port, '127.0.0.1', () => {
  console.log((http.address() as AddressInfo).port);
});
