import type { CSSResultGroup, TemplateResult } from 'lit';
import { css, html, nothing } from 'lit';
import { property, state } from 'lit/decorators.js';
import { describe } from '../core/arguments.ts';
import type { MicwireError } from '../core/errors.ts';
import type { SessionState } from '../core/session/session-messages.ts';
import type { Session } from '../web/session/session.ts';
import { define } from './shared/define.ts';
import { FrameLoop } from './shared/frame-loop.ts';
import { controls, panel, theme } from './shared/theme.ts';
import { TypedElement } from './shared/typed-element.ts';

/** Texts of {@link MicwireSession}. */
export interface SessionLabels {
  /** Name of the element. */
  readonly session: string;
  readonly mute: string;
  readonly interrupt: string;
  /** Name of the outbox and of its two parts. */
  readonly outbox: string;
  readonly inFlight: string;
  readonly waiting: string;
  /** The outbox in words. */
  readonly outboxValue: (waitingSeconds: number, inFlightSeconds: number) => string;
  /** Audio that was lost. */
  readonly dropped: (seconds: number) => string;
  /** The state in words; `none` while there is no session. */
  readonly states: Readonly<Record<SessionState | 'none', string>>;
}

const LABELS: SessionLabels = {
  session: 'Session',
  mute: 'Mute',
  interrupt: 'Interrupt',
  outbox: 'Outbox',
  inFlight: 'in flight',
  waiting: 'waiting',
  outboxValue: (waiting, inFlight) =>
    `${waiting.toFixed(1)} seconds waiting, ${inFlight.toFixed(1)} seconds in flight`,
  dropped: (seconds) => `${seconds.toFixed(1)} s were lost.`,
  states: {
    none: 'No session',
    connecting: 'Connecting',
    replaying: 'Connected, catching up',
    open: 'Connected',
    waiting: 'Connection lost, trying again',
    closed: 'Ended',
  },
};

/**
 * Shows a session: its state in words, how much audio is in its outbox, and buttons that mute the user and interrupt the
 * reply.
 *
 * @tag micwire-session
 * @csspart base - The panel.
 * @csspart state - The state in words.
 * @csspart mute - The button that mutes the user.
 * @csspart interrupt - The button that interrupts the reply.
 * @csspart outbox - The bar of the outbox, with the role `meter`.
 * @csspart figures - The outbox in figures.
 * @csspart problem - The last failure, until the session is connected again.
 */
export class MicwireSession extends TypedElement<Record<never, never>> {
  static override styles: CSSResultGroup = [
    theme,
    controls,
    panel,
    css`
      .state {
        flex-basis: 12rem;
      }

      .outbox {
        position: relative;
        height: 0.75rem;
        overflow: hidden;
        border-radius: min(3px, var(--_radius));
        background: var(--_track);
        direction: ltr;
        forced-color-adjust: none;
      }

      .outbox div {
        position: absolute;
        inset: 0;
        background: var(--_warn);
        transform-origin: left;
        transition: transform 0.2s;
      }

      .outbox div + div {
        background: var(--_accent);
      }

      .figures {
        display: flex;
        flex-wrap: wrap;
        gap: 0.125rem 1rem;
        justify-content: space-between;
        margin-top: 0.25rem;
      }

      .key::before {
        display: inline-block;
        width: 0.625rem;
        height: 0.625rem;
        margin-inline-end: 0.375rem;
        background: var(--_warn);
        content: '';
        forced-color-adjust: none;
      }

      .key.flying::before {
        background: var(--_accent);
      }

      .problem {
        color: var(--_alert);
      }

      p:empty {
        margin-top: -0.75rem;
      }

      @media (prefers-reduced-motion: reduce) {
        .outbox div {
          transition: none;
        }
      }

      @media (forced-colors: active) {
        .outbox {
          outline: 1px solid CanvasText;
          outline-offset: -1px;
        }
        .outbox div,
        .key::before {
          background: CanvasText;
        }
      }
    `,
  ];

  /** Name for screen readers. If empty, `labels.session` is used. */
  @property() label = '';

  /** Texts in another language or wording; missing ones are English. */
  @property({ attribute: false }) labels: Partial<SessionLabels> = {};

  /** Upper end of the outbox's scale, in seconds. Set it to the session's `maxOutboxMs`, if that is not 60000. */
  @property({ type: Number, attribute: 'outbox-seconds' }) outboxSeconds = 60;

  /** The session. The app opens and closes it. */
  @property({ attribute: false })
  get session(): Session | null {
    return this.#session;
  }
  set session(session: Session | null) {
    const next = checkSession(session);
    if (next === this.#session) return;
    this.#listen(false);
    this.#session = next;
    this.problem = '';
    if (this.isConnected) this.#listen(true);
  }

  @state() private problem = '';
  #session: Session | null = null;
  readonly #loop = new FrameLoop(this, { draw: () => {}, tell: () => this.requestUpdate() });

  override connectedCallback(): void {
    super.connectedCallback();
    this.#listen(true);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#listen(false);
  }

  protected override willUpdate(): void {
    this.#loop.active = this.#session !== null && this.#session.state !== 'closed';
  }

  protected override render(): TemplateResult {
    const texts = { ...LABELS, ...this.labels };
    const session = this.#session;
    const current = session?.state ?? 'none';
    const over = session === null || current === 'closed';
    return html`<section class="panel" part="base" aria-label=${this.label || texts.session}>
      <div class="row">
        <span class="state ${current}" part="state" role="status">
          <span class="lamp"></span>${{ ...LABELS.states, ...texts.states }[current]}
        </span>
        <button
          type="button"
          part="interrupt"
          ?disabled=${over || session.playout?.state !== 'playing'}
          @click=${this.#interrupt}
        >
          ${texts.interrupt}
        </button>
        <button
          type="button"
          part="mute"
          aria-pressed=${session?.muted === true}
          ?disabled=${over}
          @click=${this.#toggleMute}
        >
          ${texts.mute}
        </button>
      </div>
      ${this.#outbox(texts)}
      <p class="problem" part="problem" role="status" .textContent=${this.problem}></p>
    </section>`;
  }

  #outbox(texts: SessionLabels): TemplateResult | typeof nothing {
    const session = this.#session;
    // Without a microphone no audio is sent.
    if (session !== null && session.capture === null) return nothing;
    const rate = session?.capture?.sampleRate ?? 1;
    const stats = session?.stats;
    const waiting = (stats?.waitingFrames ?? 0) / rate;
    const inFlight = (stats?.inFlightFrames ?? 0) / rate;
    const dropped = (stats?.droppedFrames ?? 0) / rate;
    const most = this.outboxSeconds;
    const part = (seconds: number): number => Math.min(1, seconds / most);
    return html`<div>
      <div
        class="outbox"
        part="outbox"
        role="meter"
        aria-label=${texts.outbox}
        aria-valuemin="0"
        aria-valuemax=${most}
        aria-valuenow=${Math.min(most, waiting + inFlight).toFixed(1)}
        aria-valuetext=${texts.outboxValue(waiting, inFlight)}
      >
        <div style="transform: scaleX(${part(waiting + inFlight)})"></div>
        <div style="transform: scaleX(${part(inFlight)})"></div>
      </div>
      <div class="figures soft" part="figures">
        <span class="key flying"
          ><span class="number">${inFlight.toFixed(1)} s</span> ${texts.inFlight}</span
        >
        <span class="key"
          ><span class="number">${waiting.toFixed(1)} s</span> ${texts.waiting}</span
        >
        ${dropped > 0 ? html`<span class="problem">${texts.dropped(dropped)}</span>` : nothing}
        <span class="number">${most} s</span>
      </div>
    </div>`;
  }

  readonly #toggleMute = (): void => {
    const session = this.#session;
    if (session === null) return;
    if (session.muted) session.unmute();
    else session.mute();
    this.requestUpdate();
  };

  readonly #interrupt = (): void => {
    // The session may end first.
    this.#session?.interrupt().catch(() => {});
  };

  #listen(on: boolean): void {
    const session = this.#session;
    if (session === null) return;
    if (on) {
      session.addEventListener('statechange', this.#onState);
      session.addEventListener('error', this.#onError);
    } else {
      session.removeEventListener('statechange', this.#onState);
      session.removeEventListener('error', this.#onError);
    }
  }

  readonly #onState = (): void => {
    if (this.#session?.state === 'open') this.problem = '';
    this.requestUpdate();
  };

  readonly #onError = ({ detail }: CustomEvent<MicwireError>): void => {
    this.problem = detail.message;
  };
}

function checkSession(session: Session | null | undefined): Session | null {
  if (session === null || session === undefined) return null;
  if (typeof session === 'object' && 'interrupt' in session && 'stats' in session) return session;
  throw new TypeError(
    `micwire-session.session must be a Session or null, got ${describe(session)}.`,
  );
}

define('micwire-session', MicwireSession);

declare global {
  interface HTMLElementTagNameMap {
    'micwire-session': MicwireSession;
  }
}
