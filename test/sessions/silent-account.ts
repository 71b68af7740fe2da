import type { Client } from './client.ts';
import type { Clock } from './invariants.ts';
import type { World } from './schedule.ts';
import type { SilentServer } from './silent-server.ts';
import type { HandedAudio, HandedConnection } from './watched-service.ts';

/** What clocks with fractions may be wrong by, ms. */
const ROUNDING_MS = 1e-6;

/** A chunk on one connection. */
interface Handing {
  readonly audio: HandedAudio;
  readonly connection: HandedConnection;
  readonly arrived: boolean;
}

/**
 * Accounts for a service that acknowledges nothing. Audio may be lost only when it had left the socket, and that longer ago than
 * the overlap when the connection was lost; and doubled only when it had not.
 */
export function checkSilent(client: Client, server: SilentServer, time: Clock, world: World): void {
  const handings = new Map<number, Handing[]>();
  for (const connection of client.watched.connections) {
    const heard = server.heard.get(connection.number)?.ranges;
    for (const audio of connection.audio) {
      const list = handings.get(audio.frame) ?? [];
      handings.set(audio.frame, list);
      list.push({ audio, connection, arrived: heard?.at(audio.frame) !== undefined });
    }
  }
  const told = client.ledger.gaps;
  const last = client.watched.connections.at(-1);
  for (const { from, to, kind } of client.ledger.captured) {
    if (kind !== 'audio' && kind !== 'silence') continue;
    for (let frame = from; frame < to;) {
      const list = handings.get(frame);
      const gap = told.find((one) => frame >= one.frame && frame < one.frame + one.frames);
      if (gap !== undefined) {
        frame = Math.min(to, gap.frame + gap.frames);
        continue;
      }
      if (list === undefined) {
        time.fail('exactly once', `Frame ${frame} was never sent, and no gap was told.`);
      }
      checkChunk(frame, list, last, time, world.overlapMs);
      frame += list[0]!.audio.frames;
    }
  }
}

function checkChunk(
  frame: number,
  list: readonly Handing[],
  last: HandedConnection | undefined,
  time: Clock,
  overlapMs: number,
): void {
  const arrivals = list.filter(({ arrived }) => arrived);
  if (arrivals.length === 0) {
    const { audio, connection } = list.at(-1)!;
    // The last connection is not followed by another one, which could repeat what is within the overlap.
    const isLast = connection === last && audio.leftAtMs < Infinity;
    const ageMs = connection.lostAtMs - audio.leftAtMs;
    // NaN: it never left, and the connection was never lost.
    if (!isLast && !(ageMs >= overlapMs - ROUNDING_MS)) {
      time.fail(
        'bounded loss',
        `Frame ${frame} is lost; it had left the socket ${ageMs} ms before.`,
      );
    }
  }
  for (const { audio, connection } of arrivals.slice(0, -1)) {
    const ageMs = connection.lostAtMs - audio.leftAtMs;
    if (ageMs > overlapMs + ROUNDING_MS) {
      time.fail('bounded overlap', `Frame ${frame} is doubled; it had left ${ageMs} ms before.`);
    }
  }
}
