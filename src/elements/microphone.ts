import type { CSSResultGroup, PropertyValues, TemplateResult } from 'lit';
import { css, html, nothing, svg } from 'lit';
import { property, state } from 'lit/decorators.js';
import { describe } from '../core/arguments.ts';
import { MicwireError, errorText } from '../core/errors.ts';
import type { InputDevice, MicrophoneState, MuteKeep } from '../core/microphone/life-messages.ts';
import { Microphone } from '../web/microphone/microphone.ts';
import type { MicrophoneOptions } from '../web/microphone/microphone-options.ts';
import './level.ts';
import { define } from './shared/define.ts';
import { fire } from './shared/fire.ts';
import { controls, panel, theme } from './shared/theme.ts';
import { TypedElement } from './shared/typed-element.ts';

/** Aliases under which Chromium lists devices again, besides their own ids; devices without an id cannot be chosen. */
const ALIASES: readonly string[] = ['', 'default', 'communications'];

/** Texts of {@link MicwireMicrophone}. */
export interface MicrophoneLabels {
  /** Name of the element. */
  readonly microphone: string;
  readonly turnOn: string;
  readonly turnOff: string;
  /** Text of the button while the browser may be asking for permission. */
  readonly cancel: string;
  /** Text of the button that looks for a device again. */
  readonly retry: string;
  readonly mute: string;
  readonly level: string;
  readonly device: string;
  readonly defaultDevice: string;
  /** Name for a device whose name is unknown, by its position in the list, from 1. */
  readonly unnamedDevice: (place: number) => string;
  /** The state in words; `off` while there is no microphone. */
  readonly states: Readonly<Record<MicrophoneState | 'off', string>>;
  /** What the user can do while the browser may be asking for permission. */
  readonly asking: string;
  /** What the user can do; empty if there is nothing to do. @default the English text of `microphone.advice` */
  readonly advice: (microphone: Microphone) => string;
}

const LABELS: MicrophoneLabels = {
  microphone: 'Microphone',
  turnOn: 'Turn on',
  turnOff: 'Turn off',
  cancel: 'Cancel',
  retry: 'Try again',
  mute: 'Mute',
  level: 'Microphone level',
  device: 'Device',
  defaultDevice: 'System default',
  unnamedDevice: (place) => `Microphone ${place}`,
  states: {
    off: 'Off',
    opening: 'Opening',
    live: 'On',
    muted: 'Muted',
    lost: 'Device lost, looking for it',
    blocked: 'Not available',
    closed: 'Closed',
  },
  asking: 'Choose Allow if the browser asks for the microphone.',
  advice: ({ advice }) => advice ?? '',
};

/** Events of {@link MicwireMicrophone}. */
export interface MicrophoneElementEventMap {
  /** The element has opened a microphone, in `detail`. */
  readonly open: CustomEvent<Microphone>;
  /** The microphone that the element had opened is closed. */
  readonly close: CustomEvent<null>;
  /** A failure, in `detail`: a `MicwireError`, or the `TypeError` or `RangeError` of an invalid option. */
  readonly error: CustomEvent<Error>;
}

const CHANGES = ['statechange', 'permissionchange', 'devicechange', 'silent'] as const;

/**
 * Controls a microphone: a button that opens it, its state and what the user can do in words, its device, mute, and level.
 *
 * @tag micwire-microphone
 * @fires {CustomEvent<Microphone>} open - The element has opened a microphone: `detail` is the `Microphone`. Its `state` is `'blocked'`
 * if it is not allowed yet; it becomes live by itself.
 * @fires {CustomEvent<null>} close - The microphone that the element had opened is closed.
 * @fires {CustomEvent<Error>} error - A failure: `detail` is the `MicwireError`, or the error of an invalid option.
 * @csspart base - The panel.
 * @csspart button - The button that turns the microphone on and off.
 * @csspart mute - The button that mutes it.
 * @csspart state - The state in words.
 * @csspart level - The `<micwire-level>`.
 * @csspart device - The list of devices.
 * @csspart advice - What the user can do, or the last failure.
 */
export class MicwireMicrophone extends TypedElement<MicrophoneElementEventMap> {
  static override styles: CSSResultGroup = [
    theme,
    controls,
    panel,
    css`
      .state {
        flex-basis: 6rem;
      }

      button.primary {
        display: inline-flex;
        gap: 0.5rem;
        align-items: center;
        min-width: 7rem;
        justify-content: center;
      }

      svg {
        width: 1.125rem;
        height: 1.125rem;
        fill: currentColor;
      }

      label {
        display: grid;
        gap: 0.25rem;
      }

      .advice:empty {
        margin-top: -0.75rem;
      }

      .advice.failed {
        color: var(--_alert);
      }
    `,
  ];

  /** Name for screen readers. If empty, `labels.microphone` is used. */
  @property() label = '';

  /** Texts in another language or wording; missing ones are English. */
  @property({ attribute: false }) labels: Partial<MicrophoneLabels> = {};

  /**
   * The context in which the element opens microphones. Without it the element creates an `AudioContext` for each microphone, and
   * closes it afterwards. Set the app's context to connect the microphone to the app's nodes.
   */
  @property({ attribute: false }) context: AudioContext | null = null;

  /** Options of the microphones that the element opens, as for `Microphone.open`; `ifBlocked` is `'wait'` unless set. */
  @property({ attribute: false }) options: MicrophoneOptions = {};

  /** How the element mutes: with `'time'` the device stays open; with `'light'` the browser's recording indicator goes out. */
  @property({ attribute: 'mute-keep' }) muteKeep: MuteKeep = 'time';

  /**
   * The microphone. Set an open one to control it; the app must then close it itself. Otherwise the element opens a microphone when
   * its button is pressed, and closes it when the button is pressed again, when another microphone is set, or when the element
   * leaves the document.
   */
  @property({ attribute: false })
  get microphone(): Microphone | null {
    return this.#microphone;
  }
  set microphone(microphone: Microphone | null) {
    const next = checkMicrophone(microphone);
    if (next === this.#microphone) return;
    this.#giveUp();
    this.#follow(next);
  }

  @state() private opening = false;
  /** The last failure; empty when it is resolved. */
  @state() private problem = '';
  /** True for a problem that ends when the microphone is heard again; the problem of a choice remains until the next choice. */
  #isPassing = false;

  #microphone: Microphone | null = null;
  /** The microphone and context that the element created itself. */
  #own: { readonly microphone: Microphone; readonly context: AudioContext | null } | null = null;
  /** Number of openings, to recognize a microphone that is ready too late and no longer wanted. */
  #turn = 0;
  /** The chosen device; empty for the system's default. */
  #chosen = '';

  override connectedCallback(): void {
    super.connectedCallback();
    this.#listen(true);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    // An element that was moved is in the document again by then.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#listen(false);
      this.#giveUp();
    });
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('options') && this.#own === null) this.#chosen = this.options.deviceId ?? '';
  }

  protected override render(): TemplateResult {
    const texts = { ...LABELS, ...this.labels };
    const microphone = this.#microphone;
    const current = this.opening ? 'opening' : (microphone?.state ?? 'off');
    const advice = this.#advice(texts);
    return html`<section class="panel" part="base" aria-label=${this.label || texts.microphone}>
      <div class="row">
        ${this.#button(texts)}
        <button
          type="button"
          part="mute"
          aria-pressed=${microphone !== null && microphone.muted !== null}
          ?disabled=${microphone === null || microphone.state === 'closed'}
          @click=${this.#toggleMute}
        >
          ${texts.mute}
        </button>
        <span class="state ${current}" part="state" role="status">
          <span class="lamp"></span>${{ ...LABELS.states, ...texts.states }[current]}
        </span>
      </div>
      <micwire-level
        part="level"
        .label=${texts.level}
        .source=${microphone?.state === 'closed' ? null : microphone}
        .channels=${microphone?.node.channelCount ?? 1}
      ></micwire-level>
      ${this.#devices(texts)}
      <p
        class="advice ${advice !== '' && advice === this.problem ? 'failed' : ''}"
        part="advice"
        role="status"
        .textContent=${advice}
      ></p>
    </section>`;
  }

  protected override updated(): void {
    // A choice that failed is undone: Lit sees no difference.
    const list = this.renderRoot.querySelector('select');
    const microphone = this.#microphone;
    if (list !== null && microphone !== null) {
      list.value = deviceChoice(microphone, this.#chosen).chosen;
    }
  }

  #button(texts: MicrophoneLabels): TemplateResult | typeof nothing {
    const microphone = this.#microphone;
    if (microphone !== null && microphone.state === 'blocked') {
      return html`<button type="button" class="primary" part="button" @click=${this.#retry}>
        ${texts.retry}
      </button>`;
    }
    // The app closes its own microphone.
    if (microphone !== null && this.#own === null) return nothing;
    const on = microphone !== null;
    const text = this.opening ? texts.cancel : on ? texts.turnOff : texts.turnOn;
    return html`<button
      type="button"
      class=${on || this.opening ? '' : 'primary'}
      part="button"
      @click=${on || this.opening ? this.#close : this.#open}
    >
      ${on || this.opening ? nothing : ICON}${text}
    </button>`;
  }

  #devices(texts: MicrophoneLabels): TemplateResult | typeof nothing {
    const microphone = this.#microphone;
    if (microphone === null || microphone.state === 'closed') return nothing;
    const { devices } = deviceChoice(microphone, this.#chosen);
    return html`<label
      ><span class="soft">${texts.device}</span>
      <select part="device" @change=${this.#choose}>
        <option value="">${texts.defaultDevice}</option>
        ${devices.map(
          ({ deviceId, label }, index) =>
            html`<option value=${deviceId}>${label || texts.unnamedDevice(index + 1)}</option>`,
        )}
      </select>
    </label>`;
  }

  #advice(texts: MicrophoneLabels): string {
    if (this.opening) return texts.asking;
    // Advice for the user is more helpful than the failure.
    const advice = this.#microphone === null ? '' : texts.advice(this.#microphone);
    return advice || this.problem;
  }

  readonly #open = async (): Promise<void> => {
    const turn = ++this.#turn;
    this.opening = true;
    this.problem = '';
    let own: AudioContext | null = null;
    try {
      own = this.context === null ? new AudioContext() : null;
      const context = this.context ?? own!;
      const microphone = await Microphone.open(context, { ifBlocked: 'wait', ...this.options });
      if (turn !== this.#turn) return void release(microphone, own);
      this.#own = { microphone, context: own };
      this.#follow(microphone);
      this.opening = false;
      fire(this, 'open', microphone);
    } catch (error) {
      void own?.close();
      if (turn !== this.#turn) return;
      this.opening = false;
      this.#fail(error);
    }
  };

  readonly #close = (): void => this.#giveUp();

  readonly #retry = (): void => void this.#use(this.#chosen);

  readonly #choose = ({ target }: Event): void =>
    void this.#use((target as HTMLSelectElement).value);

  readonly #toggleMute = async (): Promise<void> => {
    const microphone = this.#microphone;
    if (microphone === null) return;
    this.problem = '';
    try {
      if (microphone.muted === null) await microphone.mute({ keep: this.muteKeep });
      else await microphone.unmute();
    } catch (error) {
      this.#failOf(microphone, error);
    }
    this.requestUpdate();
  };

  async #use(deviceId: string): Promise<void> {
    const microphone = this.#microphone;
    if (microphone === null) return;
    const before = this.#chosen;
    this.#chosen = deviceId;
    this.problem = '';
    try {
      await microphone.use(deviceId === '' ? null : deviceId);
    } catch (error) {
      if (this.#chosen === deviceId) this.#chosen = before;
      this.#failOf(microphone, error);
    }
    this.requestUpdate();
  }

  /** Closes the microphone that the element has opened or is opening. */
  #giveUp(): void {
    this.#turn++;
    this.opening = false;
    this.problem = '';
    const own = this.#own;
    if (own === null) return;
    this.#own = null;
    this.#follow(null);
    void release(own.microphone, own.context);
    fire(this, 'close', null);
  }

  #follow(microphone: Microphone | null): void {
    this.#listen(false);
    this.#microphone = microphone;
    if (this.#own === null) this.#chosen = this.options.deviceId ?? '';
    if (this.isConnected) this.#listen(true);
    this.requestUpdate();
  }

  #listen(on: boolean): void {
    const microphone = this.#microphone;
    if (microphone === null) return;
    for (const type of CHANGES) {
      if (on) microphone.addEventListener(type, this.#onChange);
      else microphone.removeEventListener(type, this.#onChange);
    }
    if (on) microphone.addEventListener('error', this.#onError);
    else microphone.removeEventListener('error', this.#onError);
  }

  readonly #onChange = ({ type }: Event): void => {
    const microphone = this.#microphone;
    if (microphone?.state === 'live' && type === 'statechange' && this.#isPassing)
      this.problem = '';
    // Closed by the app, or with its context.
    if (microphone?.state === 'closed' && this.#own !== null) this.#giveUp();
    this.requestUpdate();
  };

  readonly #onError = ({ detail }: CustomEvent<MicwireError>): void => {
    if (this.#microphone?.state === 'closed' && this.#own !== null) this.#giveUp();
    this.#fail(detail);
    this.#isPassing = true;
  };

  /** Shows a failure, unless another microphone is set by now. */
  #failOf(microphone: Microphone, error: unknown): void {
    const over = error instanceof MicwireError && error.code === 'closed';
    if (microphone === this.#microphone && !over) this.#fail(error);
  }

  #fail(error: unknown): void {
    this.problem = errorText(error);
    this.#isPassing = false;
    fire(this, 'error', error);
  }
}

const ICON = svg`<svg viewBox="0 0 24 24" aria-hidden="true">
  <path d="M12 15a4 4 0 0 0 4-4V6a4 4 0 0 0-8 0v5a4 4 0 0 0 4 4Zm7-4a1 1 0 1 0-2 0 5 5 0 0 1-10 0 1 1 0 1 0-2 0 7 7 0 0 0 6 6.93V20H9a1 1 0 1 0 0 2h6a1 1 0 1 0 0-2h-2v-2.07A7 7 0 0 0 19 11Z" />
</svg>`;

async function release(microphone: Microphone, context: AudioContext | null): Promise<void> {
  await microphone.close();
  if (context !== null && context.state !== 'closed') await context.close();
}

function checkMicrophone(microphone: Microphone | null | undefined): Microphone | null {
  if (microphone === null || microphone === undefined) return null;
  if (typeof microphone === 'object' && 'captureFeed' in microphone && 'use' in microphone) {
    return microphone;
  }
  throw new TypeError(
    `micwire-microphone.microphone must be a Microphone or null, got ${describe(microphone)}.`,
  );
}

define('micwire-microphone', MicwireMicrophone);

declare global {
  interface HTMLElementTagNameMap {
    'micwire-microphone': MicwireMicrophone;
  }
}

/**
 * Returns the devices that a user can choose, and which of them is in use.
 * @param wanted the chosen device; empty for the system's default, whichever it is
 */
function deviceChoice(
  microphone: { readonly device: InputDevice | null; readonly devices: readonly InputDevice[] },
  wanted: string,
): { readonly devices: readonly InputDevice[]; readonly chosen: string } {
  const devices = microphone.devices.filter(({ deviceId }) => !ALIASES.includes(deviceId));
  // If the chosen device is lost, another one is in use.
  const used = wanted === '' ? '' : (microphone.device?.deviceId ?? wanted);
  return { devices, chosen: devices.some(({ deviceId }) => deviceId === used) ? used : '' };
}
