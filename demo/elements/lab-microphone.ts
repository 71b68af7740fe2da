import type { MuteKeep } from 'micwire';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { MicrophoneFigure, MicrophoneFigureId } from '../page/microphone-figures.ts';
import { DETAIL_FIGURES, MICROPHONE_FIGURES } from '../page/microphone-figures.ts';
import type { MicrophoneView } from '../page/microphone-view.ts';
import { controls } from '../styles/controls.ts';
import { microphoneStyles } from '../styles/microphone-styles.ts';
import { fire } from './fire.ts';
import './lab-term.ts';
import type { Term } from './lab-term.ts';
import { selectOption } from './templates.ts';

/** The positions of the switch, in its order. */
const MUTES: readonly (readonly [keep: MuteKeep | null, label: string])[] = [
  [null, 'On'],
  ['time', 'Mute'],
  ['light', 'Mute, light off'],
];

/**
 * The controls of a microphone: its device, mute, what is done about echo, and its own figures. Fires `lab-device`,
 * `lab-mute` and `lab-measure-echo`.
 */
@customElement('lab-microphone')
export class LabMicrophone extends LitElement {
  static override styles: CSSResultGroup = [controls, microphoneStyles];

  @property({ attribute: false }) view: MicrophoneView | null = null;
  /** Whether nothing may be changed now. */
  @property({ type: Boolean }) fixed = false;

  protected override render(): TemplateResult | typeof nothing {
    const { view } = this;
    if (view === null) return nothing;
    return html`<section aria-label="Input device">
      <div class="controls">
        ${this.#devices(view)}
        <fieldset ?disabled=${this.fixed || !view.open}>
          <legend>Microphone</legend>
          <div class="choice mutes">
            ${MUTES.map(([keep, label]) => this.#mute(keep, label, view))}
          </div>
        </fieldset>
        <div class="gap">
          ${name('last_gap_ms')}
          <p>${value('last_gap_ms', view)} <span class="caption">${view.gapReason}</span></p>
        </div>
      </div>
      <div class="echo">
        <p
          class="said caption ${view.cancelsEcho ? 'roomy' : ''} ${view.problem && 'problem'}"
          role="status"
        >
          ${view.problem || view.echo}
        </p>
        ${this.#measure(view)}
      </div>
      <details>
        <summary>The device’s own figures</summary>
        <dl>
          ${DETAIL_FIGURES.map(
            (id) =>
              html`<div>
                <dt>${name(id)}</dt>
                <dd>${value(id, view)}</dd>
              </div>`,
          )}
        </dl>
      </details>
    </section>`;
  }

  #devices({ devices, chosen, named }: MicrophoneView): TemplateResult {
    return html`<div class="field">
      <label for="device">Device${named ? '' : ' (names appear once you have allowed it)'}</label>
      <select
        id="device"
        ?disabled=${this.fixed}
        @change=${(event: Event) => {
          const { value: deviceId } = event.target as HTMLSelectElement;
          fire(this, 'lab-device', { deviceId: deviceId === '' ? null : deviceId });
        }}
      >
        ${devices.map(({ deviceId, label }) => selectOption(deviceId, label, chosen))}
      </select>
    </div>`;
  }

  #measure(view: MicrophoneView): TemplateResult {
    const measuring = view.task === 'measuring';
    return html`<div class="measure">
      <button
        type="button"
        ?disabled=${this.fixed || measuring || !view.open || view.muted !== null}
        @click=${() => fire(this, 'lab-measure-echo', undefined)}
      >
        ${measuring ? 'Measuring …' : 'Measure echo'}
      </button>
      <p>${name('echo_loss_db')}<br />${value('echo_loss_db', view)}</p>
      <p>${name('echo_delay_ms')}<br />${value('echo_delay_ms', view)}</p>
    </div>`;
  }

  #mute(keep: MuteKeep | null, label: string, { muted }: MicrophoneView): TemplateResult {
    return html`<label>
      <input
        type="radio"
        name="mute"
        .value=${label}
        .checked=${muted === keep}
        @change=${() => fire(this, 'lab-mute', { keep })}
      />${label}
    </label>`;
  }
}

function name(id: MicrophoneFigureId): TemplateResult {
  return html`<lab-term .term=${TERMS[id]}></lab-term>`;
}

function value(id: MicrophoneFigureId, { figures }: MicrophoneView): TemplateResult {
  return html`<span class="number">${figures[id]}</span>
    <span class="caption">${MICROPHONE_FIGURES[id].unit}</span>`;
}

/** The same objects each time: a name that is given a new one is drawn again. */
const TERMS = Object.fromEntries(
  Object.entries<MicrophoneFigure>(MICROPHONE_FIGURES).map(
    ([id, { label, unit, definition, from }]) => [
      id,
      { label, unit, definition, notes: [html`From: <code>${from}</code>`] },
    ],
  ),
) as unknown as Readonly<Record<MicrophoneFigureId, Term>>;
