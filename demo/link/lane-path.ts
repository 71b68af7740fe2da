import type { LinkModel } from './link-model.ts';

/** What one direction of a lane has carried since the last restart. `sent` = `forwarded` + `lost` + `queueDropped`. */
export interface PathStatistics {
  /** Packets that reached the link. */
  readonly sent: number;
  /** Of those, packets that it has delivered or will. */
  readonly forwarded: number;
  /** Of those, lost on the link. */
  readonly lost: number;
  /** Of those, lost because its queue was full. */
  readonly queueDropped: number;
  /** Bytes of all packets sent, with the headers of IP and UDP or TCP. */
  readonly bytes: number;
  /** Bytes that the lane asked to be sent: of datagrams, or of WebSocket messages without their framing. */
  readonly payloadBytes: number;
}

/** Takes packets, and says when each arrives, as a `LinkModel` and a lane's path over one do. */
export interface Link {
  /** As `LinkModel.fate`. */
  fate(bytes: number, nowMs: number): number;
}

/** One direction of a lane over a link. The model may be replaced while packets are under way. */
export class LanePath implements Link {
  #model: LinkModel;
  /** The model's time 0 on the lane's clock. */
  #beginMs: number;
  #payloadBytes = 0;

  constructor(model: LinkModel, beginMs: number) {
    this.#model = model;
    this.#beginMs = beginMs;
  }

  get link(): LinkModel {
    return this.#model;
  }

  get statistics(): PathStatistics {
    const { packets, lost, queueDropped, bytes } = this.#model.counts;
    return {
      sent: packets,
      forwarded: packets - lost - queueDropped,
      lost,
      queueDropped,
      bytes,
      payloadBytes: this.#payloadBytes,
    };
  }

  /** Restarts with another model, whose time begins at `beginMs`; what is under way arrives as it would have. */
  restart(model: LinkModel, beginMs: number): void {
    this.#model = model;
    this.#beginMs = beginMs;
    this.#payloadBytes = 0;
  }

  fate(bytes: number, nowMs: number): number {
    const arrival = this.#model.fate(bytes, nowMs - this.#beginMs);
    return arrival < 0 ? -1 : arrival + this.#beginMs;
  }

  /** Counts what the lane asked to be sent. */
  addPayload(bytes: number): void {
    this.#payloadBytes += bytes;
  }
}
