import type { HeardItem } from '../../src/core/services/service.ts';
import type { ServerEnd } from './network.ts';

/** The server of a schedule: what its actions ask of it, and what it has noted for the rules. */
export interface SimulatedServer {
  readonly end: ServerEnd;
  /** Frames of the user's audio that it ever had. */
  readonly receivedFrames: number;
  /** A process starts: nothing is left of the one before but what was stored. */
  start(lostMs: number): void;
  /** It says that it will stop. */
  leave(inMs: number): void;
  /** The process is killed. */
  kill(): void;
  /** Hellos are answered only when nobody holds them up any more. */
  busy(by: 1 | -1): void;
  /** Hellos are refused with this code; null: they are not. */
  deny(code: number | null): void;
  say(frames: number, speed: number, hasMark: boolean): void;
  interrupt(): void;
  send(count: number): void;
  nonsense(what: 'bytes' | 'text' | 'acknowledgement'): void;
  /** Another client takes the session over. */
  takeOver(): void;
  /** Everything that has to hold when nothing happens any more. @param isAlive the client's session has not ended */
  checkEnd(isAlive: boolean): void;
}

/** What the server's rules compare with. */
export interface ClientView {
  /** All that was told about interruptions, in order. */
  readonly heard: readonly HeardItem[];
  readonly played: readonly {
    readonly item: string;
    readonly name: string | null;
    readonly frames: number;
  }[];
  readonly commits: ReadonlySet<number>;
  item(name: string):
    | {
        readonly received: number;
        readonly played: number;
        readonly isEnded: boolean;
        readonly isInterrupted: boolean;
      }
    | undefined;
}
