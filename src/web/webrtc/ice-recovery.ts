import { IceRestartPlan } from '../../core/webrtc/ice-restart-plan.ts';

/** What the recovery of a path requires of its call. */
export interface IceRecoveryListener {
  /** Returns true if ICE can restart now or later. This needs signalling and valid keys. */
  canRecover(): boolean;
  /** Returns true if a restart can be signalled to the other side now. */
  canTell(): boolean;
  /** Called when ICE must restart. @param why the reason in a few words */
  restart(why: string): void;
  /** Called when the path was lost for too long. */
  gaveUp(): void;
}

/** Chromium's information about the network (Network Information API), which the DOM types lack. */
interface NetworkInformation extends EventTarget {
  /** Type of the network, such as `'wifi'`; undefined where it is not reported. */
  readonly type?: string;
}

/** Restarts ICE when the path of a call is lost, and when the machine changes networks. See {@link IceRestartPlan}. */
export class IceRecovery {
  readonly #plan: IceRestartPlan;
  readonly #listener: IceRecoveryListener;
  readonly #network: NetworkInformation | undefined;
  #networkType: string | undefined;
  /** Reason for the next restart. */
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

  /** True while the call looks for a new path. */
  get isRecovering(): boolean {
    return this.#isWatching && this.#plan.isRecovering && this.#listener.canRecover();
  }

  /** Starts watching the path; called when the call is connected. */
  start(): void {
    this.#isWatching = true;
    this.#networkType = this.#network?.type;
    globalThis.addEventListener?.('online', this.#onOnline);
    this.#network?.addEventListener?.('change', this.#onNetwork);
    this.#plan.works(performance.now());
    // The other side may have connected first and asked for a restart already.
    this.#schedule();
  }

  /** Stops watching. */
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

  /** Handles the other side's request for a restart. A request before `start()` is carried out at `start()`. */
  asked(): void {
    this.#why = 'the other side asks for it';
    this.#plan.ask(performance.now());
    this.#schedule();
  }

  /** Called when a restart has begun. */
  restarted(): void {
    this.#tell('', (nowMs) => this.#plan.restarted(nowMs));
  }

  /** Called when the other side can be reached again. */
  signallingBack(): void {
    if (this.#plan.isRecovering) this.networkChanged('the signalling is back');
  }

  networkChanged(why: string): void {
    this.#tell(why, (nowMs) => this.#plan.networkChanged(nowMs));
  }

  readonly #onOnline = (): void => this.networkChanged('this machine is online again');

  /** Handles the event, which also fires when estimates change without a change of network. */
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
    // An impossible restart counts too: the next one is tried later.
    this.#plan.restarted(performance.now());
    if (canRestart) this.#listener.restart(this.#why);
    this.#schedule();
  }
}
