import type { IncomingMessage } from 'node:http';
import { MicwireError } from '../core/errors.ts';
import { checkObject } from '../core/option-names.ts';
import { deferred } from '../core/deferred.ts';
import type { AcceptedStream } from './accepted-stream.ts';
import { StreamServer } from './stream-server.ts';
import type { StreamServerOptions } from './stream-server.ts';
import type { StreamSocket } from './stream-socket.ts';

/**
 * Takes one WebSocket, and waits for the stream that its client begins, like a {@link StreamServer} for one connection. A client
 * that loses the connection cannot resume the stream; use a `StreamServer` for that.
 * @param request the socket's upgrade request, which holds origin, address and token
 * @returns the stream, which ends with its connection
 * @throws MicwireError `transport` when the connection is closed before it has a stream
 */
export function acceptStream(
  socket: StreamSocket,
  request: IncomingMessage | null = null,
  options: StreamServerOptions = {},
): Promise<AcceptedStream> {
  checkObject('socket must be a WebSocket of the package ws', socket, 'on', 'send');
  const begun = deferred<AcceptedStream>();
  const server = new StreamServer(
    {
      stream: (stream) => {
        begun.resolve(stream);
        return stream.finished;
      },
      failed: (error) => begun.reject(error),
    },
    { ...options, expireMs: options.expireMs ?? 0 },
  );
  socket.on('close', () => {
    begun.reject(
      new MicwireError(
        'transport',
        'The connection was closed before it had a stream. The close code says which side did it, and why.',
      ),
    );
  });
  server.accept(socket, request);
  return begun.promise;
}
