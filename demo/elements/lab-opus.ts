import type { OpusRoute } from 'micwire';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { LaneSettings } from '../settings.ts';
import { BITRATES, COMPLEXITIES, DEFAULT_SETTINGS, ROUTE_LABELS } from '../settings.ts';
import { controls } from '../styles/controls.ts';
import { fire } from './fire.ts';
import { numberOption } from './number-option.ts';

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
    `,
  ];

  @property({ attribute: false }) settings: LaneSettings = DEFAULT_SETTINGS;

  protected override render(): TemplateResult {
    const { bitrate, complexity, encodeIn, fec, dtx } = this.settings;
    return html`<fieldset aria-label="Opus">
      <div class="pair">
        <div class="field">
          <label for="bitrate">Bitrate</label>
          <select id="bitrate" @change=${(event: Event) => this.setNumber('bitrate', event)}>
            ${BITRATES.map((rate) => numberOption(rate, `${rate / 1000} kbit/s`, bitrate))}
          </select>
        </div>
        <div class="field">
          <label for="complexity">Complexity</label>
          <select id="complexity" @change=${(event: Event) => this.setNumber('complexity', event)}>
            ${COMPLEXITIES.map((value) => numberOption(value, String(value), complexity))}
          </select>
        </div>
      </div>
      <div class="field">
        <label for="route">Encoded</label>
        <select id="route" @change=${this.setRoute}>
          ${(Object.entries(ROUTE_LABELS) as [OpusRoute, string][]).map(
            ([route, label]) =>
              html`<option value=${route} .selected=${route === encodeIn}>${label}</option>`,
          )}
        </select>
      </div>
      <div class="checks">
        ${this.check('fec', fec, 'Packets carry the one before (FEC)')}
        ${this.check('dtx', dtx, 'Silence takes next to nothing (DTX)')}
      </div>
    </fieldset>`;
  }

  private check(name: 'fec' | 'dtx', checked: boolean, label: string): TemplateResult {
    return html`<label>
      <input
        type="checkbox"
        .checked=${checked}
        @change=${(event: Event) =>
          fire(this, 'lab-configure', { [name]: (event.target as HTMLInputElement).checked })}
      />${label}
    </label>`;
  }

  private setNumber(name: 'bitrate' | 'complexity', event: Event): void {
    fire(this, 'lab-configure', { [name]: Number((event.target as HTMLSelectElement).value) });
  }

  private readonly setRoute = (event: Event): void => {
    const encodeIn = (event.target as HTMLSelectElement).value as OpusRoute;
    fire(this, 'lab-configure', { encodeIn });
  };
}
