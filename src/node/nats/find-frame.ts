import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { PacketError } from '../../core/errors.ts';
import { decodeMessage } from './nats-message.ts';

/** Where to start reading a stream. */
export interface FoundFrame {
  /** JetStream sequence to start at: no earlier message contains the frame. */
  readonly sequence: number;
  /** The first stored frame, if earlier ones were deleted; otherwise 0. */
  readonly stored: number;
  /** In Hz; null if there is no message of this stream. */
  readonly sampleRate: number | null;
  /** Number of messages that were requested. */
  readonly requests: number;
}

/** The position of a message in its stream. */
interface Place {
  readonly sequence: number;
  readonly begin: number;
  /** The frame after its last one. */
  readonly end: number;
  readonly sampleRate: number | null;
}

/**
 * After a lost connection a client sends unstored audio again, so a message may follow later ones. Reading starts this much earlier, in
 * seconds, which is more than gateways have in flight.
 */
const MARGIN_SECONDS = 30;
/** A message this much earlier still, in seconds, is near enough: finding the exact one costs more than reading the extra ones. */
const NEAR_SECONDS = 30;

/**
 * Finds where to start reading a stream so that all frames from a given one on are read. Requests at most 3 + log₂(n) messages, for n
 * messages of all streams between the stream's first and last: 30 for a day of 200 streams in chunks of 100 ms.
 * @param subject the subject of the stream
 * @param from the position from the start of the stream, in frames or in ms
 */
export async function findFrame(
  manager: JetStreamManager,
  name: string,
  subject: string,
  from: { readonly frame: number } | { readonly ms: number },
): Promise<FoundFrame> {
  let requests = 0;
  const place = async (query: object): Promise<Place | null> => {
    requests++;
    const message = await manager.streams.getMessage(name, query as { readonly seq: number });
    return message === null ? null : placeOf(message);
  };
  const last = await place({ last_by_subj: subject });
  const first = last === null ? null : await place({ seq: 1, next_by_subj: subject });
  if (last === null || first === null) {
    return { sequence: 1, stored: 0, sampleRate: null, requests };
  }
  const sampleRate = first.sampleRate ?? last.sampleRate;
  if (sampleRate === null) {
    return { sequence: first.sequence, stored: 0, sampleRate, requests };
  }
  const frame = 'ms' in from ? (from.ms * sampleRate) / 1000 : from.frame;
  const wanted = frame - MARGIN_SECONDS * sampleRate;
  const near = wanted - NEAR_SECONDS * sampleRate;
  let { sequence } = first;
  let low = first.sequence + 1;
  let high = last.sequence;
  while (low <= high && wanted > first.end) {
    const middle = Math.floor((low + high) / 2);
    const found = await place({ seq: middle, next_by_subj: subject });
    // Also if it was deleted meanwhile, or cannot be read: starting earlier does no harm.
    if (found === null || !(found.end <= wanted)) high = middle - 1;
    else {
      ({ sequence } = found);
      if (found.end >= near) break;
      low = found.sequence + 1;
    }
  }
  // The first messages may be out of order.
  const stored = first.begin > frame + MARGIN_SECONDS * sampleRate ? first.begin : 0;
  return { sequence, stored, sampleRate, requests };
}

function placeOf(message: StoredMsg): Place {
  const { seq: sequence } = message;
  try {
    const said = decodeMessage((name) => message.header.get(name), message.data);
    if (said.type === 'end') {
      return { sequence, begin: said.frame, end: said.frame, sampleRate: null };
    }
    const { frame, frames, sampleRate } = said.packets.at(-1)!;
    return { sequence, begin: said.packets[0]!.frame, end: frame + frames, sampleRate };
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    return { sequence, begin: 0, end: NaN, sampleRate: null };
  }
}
