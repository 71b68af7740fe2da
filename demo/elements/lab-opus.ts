import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { CloseUpSettings } from '../lanes/close-up-settings.ts';
import {
  APPLICATION_LABELS,
  BITRATE_MODE_LABELS,
  DEFAULT_SETTINGS,
  ROUTE_LABELS,
} from '../lanes/close-up-settings.ts';
import { BITRATES, COMPLEXITIES } from '../lanes/lane-settings.ts';
import { controls } from '../styles/controls.ts';
import { fire } from './fire.ts';
import { selectOption } from './templates.ts';

/** The options of Opus. Fires `lab-configure` with what was changed. */
@customElement('lab-opus')
export class LabOpus extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      fieldset {
        display: grid;
        gap: 0.9rem;
      }
      .pair {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 0.875rem;
      }
      .checks {
        display: grid;
        gap: 0.5rem;
      }
      .checks label {
        display: flex;
        gap: 0.5rem;
        align-items: center;
        min-height: 1.5rem;
        font-size: 0.9375rem;
      }
      .checks label:has(:disabled) {
        color: var(--ink-soft);
      }
    `,
  ];

  @property({ attribute: false }) settings: CloseUpSettings = DEFAULT_SETTINGS;

  protected override render(): TemplateResult {
    const { bitrate, complexity, application, fec, dtx } = this.settings;
    return html`<fieldset aria-label="Opus">
      <div class="pair">
        <div class="field">
          <label for="bitrate">Bitrate</label>
          <select id="bitrate" @change=${(event: Event) => this.#setNumber('bitrate', event)}>
            ${BITRATES.map((rate) => selectOption(rate, `${rate / 1000} kbit/s`, bitrate))}
          </select>
        </div>
        <div class="field">
          <label for="complexity">Complexity</label>
          <select id="complexity" @change=${(event: Event) => this.#setNumber('complexity', event)}>
            ${COMPLEXITIES.map((value) => selectOption(value, String(value), complexity))}
          </select>
        </div>
      </div>
      <div class="pair">
        ${this.#choice('application', 'Tuned for', APPLICATION_LABELS)}
        ${this.#choice('bitrateMode', 'Packets', BITRATE_MODE_LABELS)}
      </div>
      ${this.#choice('encodeIn', 'Encoded', ROUTE_LABELS)}
      <div class="checks">
        ${this.#check('fec', fec, 'Packets carry the previous one (FEC)', application === 'lowdelay')}
        ${this.#check('dtx', dtx, 'Silence takes next to nothing (DTX)')}
      </div>
    </fieldset>`;
  }

  #choice(
    name: 'application' | 'bitrateMode' | 'encodeIn',
    label: string,
    labels: Readonly<Record<string, string>>,
  ): TemplateResult {
    const chosen = this.settings[name];
    const set = ({ target }: Event) =>
      fire(this, 'lab-configure', { [name]: (target as HTMLSelectElement).value });
    return html`<div class="field">
      <label for=${name}>${label}</label>
      <select id=${name} @change=${set}>
        ${Object.entries(labels).map(([value, text]) => selectOption(value, text, chosen))}
      </select>
    </div>`;
  }

  #check(name: 'fec' | 'dtx', checked: boolean, label: string, disabled = false): TemplateResult {
    return html`<label>
      <input
        type="checkbox"
        ?disabled=${disabled}
        .checked=${checked}
        @change=${(event: Event) =>
          fire(this, 'lab-configure', { [name]: (event.target as HTMLInputElement).checked })}
      />${label}
    </label>`;
  }

  #setNumber(name: 'bitrate' | 'complexity', event: Event): void {
    fire(this, 'lab-configure', { [name]: Number((event.target as HTMLSelectElement).value) });
  }
}
