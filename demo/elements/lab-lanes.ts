import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { Heard } from '../lanes/comparison.ts';
import { scaleFor } from '../page/readings.ts';
import { LANES } from '../lanes/lanes.ts';
import type { LaneId } from '../lanes/lane-ids.ts';
import type { LaneView } from '../lanes/lane-slot.ts';
import type { LaneMetricId } from '../measure/metrics.ts';
import { metricText, metricUnit } from '../page/format.ts';
import { controls } from '../styles/controls.ts';
import { lanesStyles } from '../styles/lanes-styles.ts';
import { fire } from './fire.ts';
import './lab-lane-details.ts';
import './lab-metric.ts';
import './lab-plot.ts';
import './lab-strip.ts';
import { laneMark } from './templates.ts';

/** What each line tells, in its order, and which figure stands small below another. */
const COLUMNS: readonly { readonly metric: LaneMetricId; readonly below?: LaneMetricId }[] = [
  { metric: 'latency_p50_ms', below: 'latency_p95_ms' },
  { metric: 'bitrate_kbps', below: 'payload_kbps' },
  { metric: 'loss_ratio' },
  { metric: 'concealed_ratio' },
];
const CHART_SECONDS = 60;
const CHART_HEIGHT = 40;
const COLUMN_COUNT = COLUMNS.length + 6;

const STATE_WORDS: Readonly<Record<LaneView['state'], string>> = {
  off: '',
  opening: 'Opening …',
  running: '',
  waiting: '▲ Waiting.',
  failed: '✕ Failed.',
  unavailable: '✕ Not in this browser.',
};

/** All lanes, a line each, with what goes into them above. Fires `lab-hear` and `lab-lanes`. */
@customElement('lab-lanes')
export class LabLanes extends LitElement {
  static override styles: CSSResultGroup = [controls, lanesStyles];

  @property({ attribute: false }) lanes: readonly LaneView[] = [];
  /** Those that are to run. */
  @property({ attribute: false }) chosen: readonly LaneId[] = [];
  @property({ attribute: false }) heard: Heard = null;
  /** Whether it is not to be seen which one is heard. */
  @property({ type: Boolean }) blind = false;
  /** Whether lanes can not be chosen now. */
  @property({ type: Boolean }) fixed = false;
  /** What goes into the lanes; null while nothing runs. */
  @property({ attribute: false }) input: AudioNode | null = null;
  @state() private open: ReadonlySet<LaneId> = new Set();

  protected override render(): TemplateResult {
    const scale = this.#latencyScale();
    return html`<table>
      <caption class="unseen">
        The lanes, all with the same source. A number key hears that lane alone, 0 the source.
      </caption>
      <thead>
        <tr>
          <th scope="col" class="run"><span class="unseen">Runs</span></th>
          <th scope="col" class="hear">Hear</th>
          <th scope="col" class="lane">Lane</th>
          <th scope="col" class="sound">Level, dBFS</th>
          ${COLUMNS.map(
            ({ metric, below }) =>
              html`<th scope="col" class="figure">
                <lab-metric .metric=${metric}></lab-metric>
                <span class="unit">${metricUnit(metric)}</span>
                ${
                  below === undefined
                    ? nothing
                    : html`<lab-metric
                        class="below"
                        .metric=${below}
                        short=${below === 'latency_p95_ms' ? '95 %' : 'payload'}
                      ></lab-metric>`
                }
              </th>`,
          )}
          <th scope="col" class="chart">
            Latency, ${CHART_SECONDS} s <span class="unit">0–${scale} ms</span>
          </th>
          <th scope="col" class="more"><span class="unseen">Details</span></th>
        </tr>
      </thead>
      <tbody>
        ${this.#sourceRow()} ${this.lanes.map((view, index) => this.#rows(view, index + 1, scale))}
      </tbody>
    </table>`;
  }

  #sourceRow(): TemplateResult {
    return html`<tr class="source">
      <td class="run"></td>
      <td class="hear">${this.#hearButton('source', '0', 'the source')}</td>
      <th scope="row" class="lane">
        <span class="name">Source</span>
        <span class="caption">What goes into every lane.</span>
      </th>
      <td class="sound">
        <lab-strip .node=${this.input} name="Source" colour="--ink-soft"></lab-strip>
      </td>
      <td colspan=${COLUMN_COUNT - 4} class="none"></td>
    </tr>`;
  }

  #rows(view: LaneView, number: number, scale: number): TemplateResult {
    const { id, kind, figures, history, lane } = view;
    const { colour, dash } = LANES[id].mark;
    const open = this.open.has(id);
    const quiet = view.state === 'off' || view.state === 'unavailable';
    return html`<tr class="${quiet ? 'quiet' : ''} ${open ? 'open' : ''}" data-lane=${id}>
        <td class="run">
          <input
            type="checkbox"
            aria-label=${`Run ${kind.label}`}
            .checked=${this.chosen.includes(id) && view.state !== 'unavailable'}
            ?disabled=${this.fixed || view.state === 'unavailable'}
            @change=${(event: Event) => this.#choose(id, event)}
          />
        </td>
        <td class="hear">${this.#hearButton(id, String(number), kind.label, lane === null)}</td>
        <th scope="row" class="lane">
          <span class="name">${laneMark(id)} ${kind.label}</span>
          <span class="caption">${whatToSay(view)}</span>
        </th>
        <td class="sound">
          <lab-strip .node=${lane?.output ?? null} name=${kind.label} colour=${colour}></lab-strip>
        </td>
        ${COLUMNS.map(
          ({ metric, below }) =>
            html`<td class="figure">
              <span class="number">${metricText(metric, figures[metric])}</span>
              ${
                below === undefined
                  ? nothing
                  : html`<span class="number below">${metricText(below, figures[below])}</span>`
              }
            </td>`,
        )}
        <td class="chart">
          <lab-plot
            bare
            .height=${CHART_HEIGHT}
            .seconds=${CHART_SECONDS}
            .series=${seriesOf(kind.label, colour, dash)}
            .span=${spanTo(scale)}
            fixed
            .data=${[history.times, history.columns.latency_p50_ms]}
            label=${`Latency of ${kind.label} over the last ${CHART_SECONDS} seconds`}
          ></lab-plot>
        </td>
        <td class="more">
          <button
            type="button"
            aria-expanded=${open}
            aria-label=${`Details of ${kind.label}`}
            @click=${() => this.#toggle(id)}
          >
            <span aria-hidden="true">${open ? '▴' : '▾'}</span>
          </button>
        </td>
      </tr>
      ${
        open
          ? html`<tr class="details">
              <td colspan=${COLUMN_COUNT}>
                <lab-lane-details .view=${view} .figures=${figures}></lab-lane-details>
              </td>
            </tr>`
          : nothing
      }`;
  }

  #hearButton(
    heard: NonNullable<Heard>,
    key: string,
    name: string,
    disabled = false,
  ): TemplateResult {
    const pressed = this.heard === heard && !this.blind;
    return html`<button
      type="button"
      class="key"
      aria-pressed=${pressed}
      aria-keyshortcuts=${key}
      aria-label=${`Hear ${name}`}
      ?disabled=${disabled && !pressed}
      @click=${() => fire(this, 'lab-hear', { heard: pressed ? null : heard })}
    >
      ${key}
    </button>`;
  }

  /** One scale for all, so that the lines can be compared. */
  #latencyScale(): number {
    let highest = 0;
    for (const { history } of this.lanes) {
      for (const value of history.columns.latency_p50_ms.slice(-CHART_SECONDS)) {
        if (value !== null && value > highest) highest = value;
      }
    }
    return scaleFor(Math.max(highest, 100));
  }

  #choose(id: LaneId, event: Event): void {
    const on = (event.target as HTMLInputElement).checked;
    const others = this.chosen.filter((each) => each !== id);
    fire(this, 'lab-lanes', { lanes: on ? [...others, id] : others });
  }

  #toggle(id: LaneId): void {
    const open = new Set(this.open);
    if (!open.delete(id)) open.add(id);
    this.open = open;
  }
}

function whatToSay({ state: is, reason, kind }: LaneView): TemplateResult {
  if (reason !== '') return html`<span class="reason">${STATE_WORDS[is]} ${reason}</span>`;
  return html`${STATE_WORDS[is] || kind.path.join(' → ')}`;
}

/** The same arrays each time: a chart that is given new ones is rebuilt. */
const seriesCache = new Map<string, readonly object[]>();

function seriesOf(label: string, colour: string, dash: readonly number[]): readonly object[] {
  let series = seriesCache.get(label);
  if (series === undefined) {
    series = [{ label, colour, dash, width: 1.75 }];
    seriesCache.set(label, series);
  }
  return series;
}

const spans = new Map<number, readonly [number, number]>();

function spanTo(scale: number): readonly [number, number] {
  let span = spans.get(scale);
  if (span === undefined) spans.set(scale, (span = [0, scale]));
  return span;
}
