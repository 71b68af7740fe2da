import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Copies, LaneSettings } from '../lanes/lane-settings.ts';
import { DEFAULT_RUN } from '../runs/address.ts';
import { BITRATES, COMPLEXITIES, OPUS_DURATIONS } from '../lanes/lane-settings.ts';
import { controls } from '../styles/controls.ts';
import { fire } from './fire.ts';
import { selectOption } from './templates.ts';

const COPIES: readonly Copies[] = ['adaptive', 1, 2, 3];
const LATENCY_COSTS: readonly number[] = [0.1, 0.25, 0.5, 1, 2, 5];

/** The settings that are the same for all lanes. Fires `lab-coding`. */
@customElement('lab-coding')
export class LabCoding extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .panel {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 0.75rem;
        align-content: start;
        height: 100%;
      }
      fieldset {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr));
        gap: 0.625rem 0.875rem;
      }
    `,
  ];

  @property({ attribute: false }) settings: LaneSettings = DEFAULT_RUN;
  /** Whether nothing may be changed now. */
  @property({ type: Boolean }) fixed = false;

  protected override render(): TemplateResult {
    const { chunkDurationMs, bitrate, complexity, copies, latencyCost } = this.settings;
    return html`<section class="panel" aria-labelledby="title">
      <div>
        <h2 id="title">The same for all lanes</h2>
        <p class="caption">A change restarts the lanes, so that they start equal.</p>
      </div>
      <fieldset ?disabled=${this.fixed}>
        <legend class="unseen">Coding</legend>
        ${this.#choice('bitrate', 'Opus bitrate', BITRATES, bitrate, (v) => `${v / 1000} kbit/s`)}
        ${this.#choice('chunkDurationMs', 'Packet', OPUS_DURATIONS, chunkDurationMs, (v) => `${v} ms`)}
        ${this.#choice('complexity', 'Encoder complexity', COMPLEXITIES, complexity, String)}
        ${this.#copies(copies)}
        ${this.#choice('latencyCost', '100 ms is worth', LATENCY_COSTS, latencyCost, (v) => `${v} % concealed`)}
      </fieldset>
    </section>`;
  }

  #copies(current: Copies): TemplateResult {
    return html`<div class="field">
      <label for="copies">Copies, where supported</label>
      <select
        id="copies"
        @change=${(event: Event) => {
          const { value } = event.target as HTMLSelectElement;
          fire(this, 'lab-coding', { copies: value === 'adaptive' ? value : Number(value) });
        }}
      >
        ${COPIES.map((copies) => selectOption(copies, String(copies), current))}
      </select>
    </div>`;
  }

  #choice(
    name: keyof LaneSettings,
    label: string,
    values: readonly number[],
    current: number,
    text: (value: number) => string,
  ): TemplateResult {
    const all = values.includes(current) ? values : [...values, current].sort((a, b) => a - b);
    return html`<div class="field">
      <label for=${name}>${label}</label>
      <select
        id=${name}
        @change=${(event: Event) =>
          fire(this, 'lab-coding', { [name]: Number((event.target as HTMLSelectElement).value) })}
      >
        ${all.map((value) => selectOption(value, text(value), current))}
      </select>
    </div>`;
  }
}
