import { IceRestartPlan } from '../../core/webrtc/ice-restart-plan.ts';

/** What a call does when its path has to be looked for. */
export interface IceRecoveryListener {
  /** Whether ICE can restart now or later: not without a signalling, nor without the keys. */
  canRecover(): boolean;
  /** Whether the other side can be told of a restart now. */
  canTell(): boolean;
  /** ICE is to restart. @param why in a few words */
  restart(why: string): void;
  /** The path was lost for too long. */
  gaveUp(): void;
}

/** What Chromium says of the network (Network Information API); the types lack it. */
interface NetworkInformation extends EventTarget {
  /** Such as `'wifi'`; undefined where it does not tell. */
  readonly type?: string;
}

/** Has ICE restart when the path of a call is lost, and when the machine has another network. See {@link IceRestartPlan}. */
export class IceRecovery {
  readonly #plan: IceRestartPlan;
  readonly #listener: IceRecoveryListener;
  readonly #network: NetworkInformation | undefined;
  #networkType: string | undefined;
  /** Why the next restart comes. */
  #why = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isWatching = false;

  constructor(recoverTimeoutMs: number, listener: IceRecoveryListener) {
    this.#plan = new IceRestartPlan(recoverTimeoutMs);
    this.#listener = listener;
    const { navigator } = globalThis as {
      navigator?: { readonly connection?: NetworkInformation };
    };
    this.#network = navigator?.connection;
  }

  /** Whether a lost path is being looked for. */
  get isRecovering(): boolean {
    return this.#isWatching && this.#plan.isRecovering && this.#listener.canRecover();
  }

  /** The call is connected: from now on its path is watched. */
  start(): void {
    this.#isWatching = true;
    this.#networkType = this.#network?.type;
    globalThis.addEventListener?.('online', this.#onOnline);
    this.#network?.addEventListener?.('change', this.#onNetwork);
    this.#plan.works(performance.now());
    // The other side, connected before this one, may have asked already.
    this.#schedule();
  }

  /** Ends the watch. */
  end(): void {
    this.#isWatching = false;
    clearTimeout(this.#timer);
    globalThis.removeEventListener?.('online', this.#onOnline);
    this.#network?.removeEventListener?.('change', this.#onNetwork);
  }

  works(): void {
    this.#tell('', (nowMs) => this.#plan.works(nowMs));
  }

  lost(): void {
    this.#tell('the path was lost', (nowMs) => this.#plan.lost(nowMs));
  }

  /** The other side asks for a restart. One that it asks for before `start()` follows then. */
  asked(): void {
    this.#why = 'the other side asks for it';
    this.#plan.ask(performance.now());
    this.#schedule();
  }

  /** A restart has begun. */
  restarted(): void {
    this.#tell('', (nowMs) => this.#plan.restarted(nowMs));
  }

  /** The other side can be told again. */
  signallingBack(): void {
    if (this.#plan.isRecovering) this.networkChanged('the signalling is back');
  }

  networkChanged(why: string): void {
    this.#tell(why, (nowMs) => this.#plan.networkChanged(nowMs));
  }

  readonly #onOnline = (): void => this.networkChanged('this machine is online again');

  /** It also tells of estimates that have changed: those are no other network. */
  readonly #onNetwork = (): void => {
    const type = this.#network?.type;
    if (type === this.#networkType) return;
    this.#networkType = type;
    if (type !== 'none') this.networkChanged('this machine has another network');
  };

  #tell(why: string, act: (nowMs: number) => void): void {
    if (!this.#isWatching) return;
    if (why !== '') this.#why = why;
    act(performance.now());
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const { next } = this.#plan;
    if (!this.#isWatching || next === null) return;
    const waitMs = next.atMs - performance.now();
    if (waitMs > 0) {
      this.#timer = setTimeout(() => this.#schedule(), Math.ceil(waitMs));
      return;
    }
    if (next.act === 'fail') {
      this.#listener.gaveUp();
      return;
    }
    const canRestart = this.#listener.canRecover() && this.#listener.canTell();
    // One that is not possible counts too: the next is tried later.
    this.#plan.restarted(performance.now());
    if (canRestart) this.#listener.restart(this.#why);
    this.#schedule();
  }
}
