import type { LinkEngineOptions, UpgradeRequest } from './engine.ts';
import type { ControlErrorCode, SpliceAddress } from './protocol.ts';
import type { ServerAddress } from './udp-splice.ts';

/** What the server's process says to the engine's. */
export type ToEngine =
  /** The first message. */
  | { readonly type: 'begin'; readonly options: LinkEngineOptions }
  /**
   * Comes with the connection itself, which the server's process still reads from. `head`: what the client has sent already, as
   * Base64.
   */
  | { readonly type: 'upgrade'; readonly request: UpgradeRequest; readonly head: string }
  /** The connection of the oldest `upgrade` is now the engine's alone: only now may its client be answered, and so begin to send. */
  | { readonly type: 'handed-over' }
  /** Reply: `splice` or `refused`. */
  | { readonly type: 'open-splice'; readonly id: number; readonly link: string }
  /** ICE restarts: other ports. Reply: `splice` or `refused`. */
  | {
      readonly type: 'renew-splice';
      readonly id: number;
      readonly link: string;
      readonly lane: string;
    }
  /** Where the lab's server of QUIC is now. */
  | { readonly type: 'quic-server'; readonly server: ServerAddress }
  | { readonly type: 'close-lane'; readonly link: string; readonly lane: string };

/** What the engine's process says to the server's. */
export type FromEngine =
  | { readonly type: 'ready' }
  | { readonly type: 'splice'; readonly id: number; readonly splice: SpliceAddress }
  | {
      readonly type: 'refused';
      readonly id: number;
      readonly code: ControlErrorCode;
      readonly message: string;
    };
