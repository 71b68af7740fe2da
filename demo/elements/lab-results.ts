import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { LaneId } from '../lanes/lane-ids.ts';
import { LANES } from '../lanes/lanes.ts';
import { PRESETS } from '../link/settings.ts';
import type { LinkPresetId } from '../link/settings.ts';
import type { LaneMetricId } from '../measure/metrics.ts';
import { metricText, metricUnit } from '../page/format.ts';
import { tableVoidReason } from '../runs/results.ts';
import { csvOf } from '../runs/run-rows.ts';
import { runMarkdown } from '../runs/run-text.ts';
import type { LinkTable, RunResults, Spread } from '../runs/run.ts';
import { controls } from '../styles/controls.ts';
import { resultsStyles } from '../styles/results-styles.ts';
import './lab-metric.ts';
import { laneMark } from './templates.ts';
import { saveFile, timeName } from './save-file.ts';

/** The columns; files hold everything. */
const COLUMNS: readonly LaneMetricId[] = [
  'latency_p50_ms',
  'latency_p95_ms',
  'bitrate_kbps',
  'loss_ratio',
  'concealed_ratio',
  'time_scaled_ratio',
  'playout_delay_ms',
  'seg_snr_db',
  'lsd_db',
  'stoi',
  'r_factor',
  'glitches_per_min',
  'first_sound_ms',
];

/** What a run can be saved as. */
const FILES: readonly {
  readonly name: string;
  readonly type: { readonly extension: string; readonly mime: string };
  readonly textOf: (results: RunResults) => string;
}[] = [
  {
    name: 'JSON',
    type: { extension: 'json', mime: 'application/json' },
    textOf: (results) => `${JSON.stringify(results, null, 2)}\n`,
  },
  { name: 'CSV', type: { extension: 'csv', mime: 'text/csv' }, textOf: csvOf },
  { name: 'Markdown', type: { extension: 'md', mime: 'text/markdown' }, textOf: runMarkdown },
];

/** The results of a run: a table for each link, also as files. */
@customElement('lab-results')
export class LabResults extends LitElement {
  static override styles: CSSResultGroup = [controls, resultsStyles];

  @property({ attribute: false }) results: RunResults | null = null;

  protected override render(): TemplateResult | typeof nothing {
    const { results } = this;
    if (results === null) return nothing;
    const { machine, startedAt, settings, tables } = results;
    const each = `${settings.repetitions} × ${settings.seconds} s`;
    return html`<section class="panel" aria-labelledby="title">
      <div class="head">
        <div>
          <h2 id="title">Result</h2>
          <p class="caption">
            ${startedAt.slice(0, 16).replace('T', ' ')} UTC, ${each} a network, packets of
            ${settings.chunkDurationMs} ms, ${settings.bitrate / 1000} kbit/s, ${machine.cores}
            cores, ${machine.contextSampleRate / 1000} kHz. Medians, each with its range.
          </p>
        </div>
        <div class="files">
          ${FILES.map(
            ({ name, type, textOf }) =>
              html`<button
                type="button"
                @click=${() =>
                  saveFile(
                    `micwire-run-${timeName(startedAt)}.${type.extension}`,
                    type.mime,
                    textOf(results),
                  )}
              >
                Save ${name}
              </button>`,
          )}
        </div>
      </div>
      ${tables.map((table) => this.#table(table, settings.lanes))}
    </section>`;
  }

  #table(table: LinkTable, lanes: readonly LaneId[]): TemplateResult {
    const label = PRESETS[table.link as LinkPresetId]?.label ?? 'The network as set';
    return html`<h3>${label}</h3>
      <p class="verdict">${table.verdict}</p>
      <p class="caption">${this.#count(table)}</p>
      <div class="scroll" tabindex="0" role="region" aria-label=${`Figures over ${label}`}>
        <table>
          <thead>
            <tr>
              <th scope="col" class="lane">Lane</th>
              ${COLUMNS.map(
                (metric) =>
                  html`<th scope="col">
                    <lab-metric .metric=${metric}></lab-metric>
                    <span class="unit">${metricUnit(metric)}</span>
                  </th>`,
              )}
            </tr>
          </thead>
          <tbody>
            ${lanes.map((id) => this.#row(id, table))}
          </tbody>
        </table>
      </div>`;
  }

  #row(id: LaneId, { lanes }: LinkTable): TemplateResult {
    const spreads = lanes[id];
    return html`<tr>
      <th scope="row" class="lane"><span>${laneMark(id)} ${LANES[id].label}</span></th>
      ${COLUMNS.map((metric) => html`<td>${spreadCell(metric, spreads?.[metric] ?? null)}</td>`)}
    </tr>`;
  }

  #count(table: LinkTable): string {
    const { counted, voided, run } = table;
    if (voided > 0) {
      const all = counted + voided;
      return `${counted} of ${all} repetitions count, ${voided} ${voided === 1 ? 'is' : 'are'} void. ${tableVoidReason(table) ?? ''}`;
    }
    const lateness = metricText('link_lateness_p99_ms', run.link_lateness_p99_ms?.max);
    const late =
      lateness === '–' ? '' : ` The simulated network was up to ${lateness} ms late (p99).`;
    return `All ${counted} repetitions count.${late}`;
  }
}

function spreadCell(metric: LaneMetricId, spread: Spread | null): TemplateResult {
  if (spread === null) return html`<span class="number">–</span>`;
  const { median, min, max, count } = spread;
  return html`<span class="number">${metricText(metric, median)}</span>
    <span class="number range"
      >${count < 2 ? '' : `${metricText(metric, min)}–${metricText(metric, max)}`}</span
    >`;
}
