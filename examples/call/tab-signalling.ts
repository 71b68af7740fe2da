import { TypedEventTarget } from 'micwire';
import type {
  CallRole,
  SignalMessage,
  Signalling,
  SignallingEventMap,
  SignallingState,
} from 'micwire';

/** Brings two tabs of one browser together. Between two machines, use `WebSocketSignalling` and a server. */
export class TabSignalling extends TypedEventTarget<SignallingEventMap> implements Signalling {
  state: SignallingState = 'waiting';
  role: CallRole | null = null;
  readonly error = null;
  readonly #channel = new BroadcastChannel('micwire-call');

  constructor() {
    super();
    this.#channel.onmessage = ({ data }) => {
      // The tab that was first answers the second one, which calls.
      if (data === 'hello') {
        if (this.state !== 'waiting') return;
        this.#channel.postMessage('welcome');
        this.#ready('callee');
      } else if (data === 'welcome') this.#ready('caller');
      else this.dispatchEvent(new MessageEvent('message', { data }));
    };
    this.#channel.postMessage('hello');
  }

  send(message: SignalMessage): void {
    if (this.state === 'ready') this.#channel.postMessage(message);
  }

  async close(): Promise<void> {
    this.#channel.close();
    this.state = 'closed';
    this.dispatchEvent(new Event('statechange'));
  }

  #ready(role: CallRole): void {
    this.role = role;
    this.state = 'ready';
    this.dispatchEvent(new Event('statechange'));
  }
}
