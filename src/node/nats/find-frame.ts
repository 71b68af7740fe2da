import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream';
import { PacketError } from '../../core/errors.ts';
import { decodeMessage } from './nats-message.ts';

/** Where to begin to read a stream. */
export interface FoundFrame {
  /** The sequence in JetStream of a message before which the frame is not. */
  readonly sequence: number;
  /** The first frame that is stored, where those before are gone for good; otherwise 0. */
  readonly stored: number;
  /** Hz; null: there is no message of this stream. */
  readonly sampleRate: number | null;
  /** How many messages were looked at. */
  readonly requests: number;
}

/** Where a message lies in its stream. */
interface Place {
  readonly sequence: number;
  readonly begin: number;
  /** The frame after its last one. */
  readonly end: number;
  readonly sampleRate: number | null;
}

/**
 * After a break a client sends again what was not stored, so that a message may follow later ones. Reading begins so much earlier,
 * s: more than gateways have under way.
 */
const MARGIN_SECONDS = 30;
/** What is so much earlier still is near enough: to find the very message costs more than to read these. */
const NEAR_SECONDS = 30;

/**
 * Finds where to begin to read a stream, so that all frames from one on are read. Looks at 3 + log₂(n) messages at most, n messages
 * of all streams between the stream's first and last: of a day of 200 streams in chunks of 100 ms at 30.
 * @param subject the stream's
 * @param frame counted from its start, of its rate @param ms the same in ms
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
    // Also where it was removed meanwhile, and what cannot be read: to begin earlier does no harm.
    if (found === null || !(found.end <= wanted)) high = middle - 1;
    else {
      ({ sequence } = found);
      if (found.end >= near) break;
      low = found.sequence + 1;
    }
  }
  // The first messages may have changed places.
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
