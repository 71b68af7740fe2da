import { isSampleFormat } from 'micwire/codec';
import type { PayloadFormat } from 'micwire';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { count } from '../page/format.ts';
import type { Cost } from '../page/message-costs.ts';
import type { CloseUpFraming, CloseUpSettings } from '../lanes/close-up-settings.ts';
import {
  DEFAULT_SETTINGS,
  FORMAT_LABELS,
  FRAMING_WORDS,
  TARGET_DELAY,
  choicesFor,
} from '../lanes/close-up-settings.ts';
import { controls } from '../styles/controls.ts';
import { fire } from './fire.ts';
import './lab-opus.ts';
import { selectOption } from './templates.ts';

const CHANNELS: readonly (readonly [number, string])[] = [
  [1, 'Mono'],
  [2, 'Stereo'],
];

/** The controls of a lane. Fires `lab-configure` with what was changed. */
@customElement('lab-settings')
export class LabSettings extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .panel {
        height: 100%;
      }
      form {
        display: grid;
        gap: 0.9rem;
        margin-top: 0.75rem;
      }
      .pair {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: 0.875rem;
      }
      .target {
        display: grid;
        grid-template-columns: 1fr 7ch;
        gap: 0.5rem;
        align-items: center;
      }
      output {
        text-align: right;
        white-space: nowrap;
      }
      dl {
        margin: 1rem 0 0;
      }
      dl div {
        display: flex;
        justify-content: space-between;
        gap: 1rem;
        padding: 0.25rem 0;
        border-top: 1px solid var(--line);
      }
      dd {
        margin: 0;
        font-size: var(--small);
      }
      .note {
        margin-top: 0.3rem;
        min-height: 2.9em;
      }
    `,
  ];

  @property({ attribute: false }) settings: CloseUpSettings = DEFAULT_SETTINGS;

  @property({ attribute: false }) costs: readonly Cost[] = [];

  protected override render(): TemplateResult {
    const { settings } = this;
    const { sampleRates, chunkDurations } = choicesFor(settings);
    return html`<section class="panel" aria-labelledby="title">
      <h2 id="title">The lane</h2>
      <p class="caption">Each change takes effect at once.</p>
      <form @submit=${(event: Event) => event.preventDefault()}>
        <fieldset>
          <legend>On the wire</legend>
          <div class="choice">
            ${Object.entries(FRAMING_WORDS).map(([name, { label }]) => this.#framingChoice(name as CloseUpFraming, label))}
          </div>
          <p class="note caption">${FRAMING_WORDS[settings.framing].note}</p>
        </fieldset>
        <div class="pair">
          <div class="field">
            <label for="format">Sample format</label>
            <select id="format" @change=${this.#setFormat}>
              ${Object.entries(FORMAT_LABELS).map(([format, label]) =>
                selectOption(format, label, settings.format),
              )}
            </select>
          </div>
          <div class="field">
            <label for="channels">Channels</label>
            <select id="channels" @change=${(event: Event) => this.#setNumber('channels', event)}>
              ${CHANNELS.map(([count, label]) => selectOption(count, label, settings.channels))}
            </select>
          </div>
        </div>
        <div class="pair">
          <div class="field">
            <label for="rate">Wire rate</label>
            <select id="rate" @change=${(event: Event) => this.#setNumber('sampleRate', event)}>
              ${sampleRates.map((rate) => selectOption(rate, `${count(rate)} Hz`, settings.sampleRate))}
            </select>
          </div>
          <div class="field">
            <label for="chunk">Chunk</label>
            <select
              id="chunk"
              @change=${(event: Event) => this.#setNumber('chunkDurationMs', event)}
            >
              ${chunkDurations.map((ms) => selectOption(ms, `${ms} ms`, settings.chunkDurationMs))}
            </select>
          </div>
        </div>
        ${isSampleFormat(settings.format) ? nothing : html`<lab-opus .settings=${settings}></lab-opus>`}
        <div class="field">
          <label for="target">Playout target</label>
          <div class="target">
            <input
              id="target"
              type="range"
              min=${TARGET_DELAY.min}
              max=${TARGET_DELAY.max}
              step=${TARGET_DELAY.step}
              .value=${String(settings.targetDelayMs)}
              aria-valuetext="${settings.targetDelayMs} milliseconds"
              @input=${(event: Event) => this.#setNumber('targetDelayMs', event)}
            />
            <output class="number" for="target">${settings.targetDelayMs} ms</output>
          </div>
          <p class="caption">
            How long audio waits before it plays. Less is quicker; more survives a worse network.
          </p>
        </div>
      </form>
      <dl>
        ${this.costs.map(
          ({ label, value }) =>
            html`<div>
              <dt class="caption">${label}</dt>
              <dd class="number">${value}</dd>
            </div>`,
        )}
      </dl>
    </section>`;
  }

  #framingChoice(framing: CloseUpFraming, label: string): TemplateResult {
    return html`<label>
      <input
        type="radio"
        name="framing"
        value=${framing}
        .checked=${this.settings.framing === framing}
        @change=${() => fire(this, 'lab-configure', { framing })}
      />${label}
    </label>`;
  }

  #setNumber(
    name: 'sampleRate' | 'channels' | 'chunkDurationMs' | 'targetDelayMs',
    event: Event,
  ): void {
    const value = Number((event.target as HTMLInputElement | HTMLSelectElement).value);
    fire(this, 'lab-configure', { [name]: value });
  }

  readonly #setFormat = (event: Event): void => {
    fire(this, 'lab-configure', {
      format: (event.target as HTMLSelectElement).value as PayloadFormat,
    });
  };
}
