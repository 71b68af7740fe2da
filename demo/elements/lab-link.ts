import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { LinkControl } from '../page/link-controls.ts';
import {
  MAIN_CONTROLS,
  MORE_CONTROLS,
  SLIDER_STEPS,
  controlText,
  positionOf,
  valueAt,
  withControl,
} from '../page/link-controls.ts';
import { parseLinkTrace } from '../link/link-trace.ts';
import type { JitterDistribution, LinkPresetId, LinkSettings } from '../link/settings.ts';
import { JITTER_DISTRIBUTIONS, PRESETS } from '../link/settings.ts';
import { metricText } from '../page/format.ts';
import { MAX_LATENESS_MS } from '../runs/results.ts';
import type { LinkChoice } from '../runs/run.ts';
import { controls } from '../styles/controls.ts';
import { linkStyles } from '../styles/link-styles.ts';
import { fire } from './fire.ts';
import './lab-metric.ts';
import { selectOption } from './templates.ts';
import { errorText } from '../../src/core/errors.ts';

const DISTRIBUTIONS: Readonly<Record<JitterDistribution, string>> = {
  normal: 'bell-shaped',
  pareto: 'with a long tail',
  uniform: 'evenly',
};

/** The link under all lanes: presets, sliders, and how late it is itself. Fires `lab-link`. */
@customElement('lab-link')
export class LabLink extends LitElement {
  static override styles: CSSResultGroup = [controls, linkStyles];

  @property({ attribute: false }) choice: LinkChoice = {
    name: 'clean',
    settings: PRESETS.clean.settings,
  };
  /** By how much packets were later than they should be, the 99th percentile, ms; null while that is not known. */
  @property({ attribute: false }) latenessMs: number | null = null;
  /** Why there is no link but the direct one, in a sentence; else empty. */
  @property() missing = '';
  /** Whether nothing may be changed now. */
  @property({ type: Boolean }) fixed = false;
  @state() private traceProblem = '';

  protected override render(): TemplateResult {
    const { choice } = this;
    const note =
      choice.name === 'custom' ? 'As the sliders say, both ways.' : PRESETS[choice.name].note;
    return html`<section class="panel" aria-labelledby="title">
      <div class="head">
        <h2 id="title">Simulated network</h2>
        <p class="caption note">${note}</p>
        ${this.#lateness()}
      </div>
      ${this.missing === '' ? nothing : html`<p class="missing" role="status">▲ ${this.missing}</p>`}
      <fieldset ?disabled=${this.fixed}>
        <legend class="unseen">Preset</legend>
        <div class="chips presets">
          ${(Object.entries(PRESETS) as [LinkPresetId, (typeof PRESETS)[LinkPresetId]][]).map(
            ([id, { label }]) => this.#preset(id, label),
          )}
        </div>
      </fieldset>
      <fieldset ?disabled=${this.fixed} class="sliders">
        <legend class="unseen">Settings</legend>
        ${MAIN_CONTROLS.map((control) => this.#slider(control))}
      </fieldset>
      <details>
        <summary>Bursts, order, stalls, trace</summary>
        <fieldset ?disabled=${this.fixed} class="sliders">
          <legend class="unseen">More settings</legend>
          ${MORE_CONTROLS.map((control) => this.#slider(control))} ${this.#distribution()}
          ${this.#order()} ${this.#trace()}
        </fieldset>
      </details>
    </section>`;
  }

  #preset(id: LinkPresetId, label: string): TemplateResult {
    return html`<label>
      <input
        type="radio"
        name="preset"
        .checked=${this.choice.name === id}
        @change=${() => fire(this, 'lab-link', { name: id, settings: PRESETS[id].settings })}
      />${label}
    </label>`;
  }

  #slider(control: LinkControl): TemplateResult {
    const { name, label } = control;
    const value = this.choice.settings[name];
    const text = controlText(control, value);
    return html`<div class="field slider">
      <label for=${name}>${label}</label>
      <output class="number" for=${name}>${text}</output>
      <input
        id=${name}
        type="range"
        min="0"
        max=${SLIDER_STEPS}
        .value=${String(positionOf(control, value))}
        aria-valuetext=${text}
        @input=${(event: Event) => this.#slide(control, event)}
      />
    </div>`;
  }

  #distribution(): TemplateResult {
    const { jitterDistribution } = this.choice.settings;
    return html`<div class="field">
      <label for="distribution">Delays spread</label>
      <select id="distribution" @change=${this.#distribute}>
        ${JITTER_DISTRIBUTIONS.map((each) =>
          selectOption(each, DISTRIBUTIONS[each], jitterDistribution),
        )}
      </select>
    </div>`;
  }

  #order(): TemplateResult {
    return html`<label class="check">
      <input
        type="checkbox"
        .checked=${this.choice.settings.keepOrder}
        @change=${(event: Event) =>
          this.#change({ keepOrder: (event.target as HTMLInputElement).checked })}
      />Packets keep their order
    </label>`;
  }

  #trace(): TemplateResult {
    const { trace } = this.choice.settings;
    return html`<div class="field trace">
      <label for="trace">Replay a recorded network</label>
      <div>
        <input id="trace" type="file" accept=".txt,.csv,.trace,text/*" @change=${this.#readTrace} />
        ${
          trace === null
            ? nothing
            : html`<button type="button" @click=${() => this.#change({ trace: null })}>
                Remove
              </button>`
        }
      </div>
      <p class="caption" role="status">
        ${
          this.traceProblem ||
          (trace === null
            ? 'Lines of a time and a delay in ms, or ‘lost’.'
            : `${trace.points.length} points, ${(trace.durationMs / 1000).toFixed(1)} s, on top of all above.`)
        }
      </p>
    </div>`;
  }

  #lateness(): TemplateResult {
    const { latenessMs } = this;
    const late = latenessMs !== null && latenessMs > MAX_LATENESS_MS;
    return html`<p class="lateness ${late ? 'late' : ''}">
      <lab-metric metric="link_lateness_p99_ms" short="Lateness"></lab-metric>
      <span class="number">${metricText('link_lateness_p99_ms', latenessMs)}</span>
      <span class="caption">ms</span>
      <span class="void">${late ? '▲ void' : ''}</span>
    </p>`;
  }

  #slide(control: LinkControl, event: Event): void {
    const value = valueAt(control, Number((event.target as HTMLInputElement).value));
    const settings = withControl(this.choice.settings, control.name, value);
    fire(this, 'lab-link', { name: 'custom', settings });
  }

  #change(changes: Partial<LinkSettings>): void {
    fire(this, 'lab-link', { name: 'custom', settings: { ...this.choice.settings, ...changes } });
  }

  readonly #distribute = (event: Event): void => {
    const jitterDistribution = (event.target as HTMLSelectElement).value as JitterDistribution;
    this.#change({ jitterDistribution });
  };

  readonly #readTrace = async (event: Event): Promise<void> => {
    const file = (event.target as HTMLInputElement).files?.[0];
    if (file === undefined) return;
    try {
      this.#change({ trace: parseLinkTrace(await file.text()) });
      this.traceProblem = '';
    } catch (error) {
      this.traceProblem = errorText(error);
    }
  };
}
