import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { Heard } from '../lanes/comparison.ts';
import { scaleFor } from '../page/readings.ts';
import { LANES } from '../lanes/lanes.ts';
import type { LaneId } from '../lanes/lane-ids.ts';
import { keyOf } from '../lanes/lane-ids.ts';
import type { LaneView } from '../lanes/lane-slot.ts';
import type { Readiness } from '../lanes/readiness.ts';
import { METRICS } from '../measure/metric-table.ts';
import type { LaneMetricId } from '../measure/metrics.ts';
import { metricText, metricUnit } from '../page/format.ts';
import type { RowOrder } from '../page/row-order.ts';
import { bestIds, differenceText, nextOrder, orderedIds } from '../page/row-order.ts';
import { DEFAULT_RUN } from '../runs/address.ts';
import type { RunSettings } from '../runs/run.ts';
import { USABLE_MATCH } from '../runs/verdict.ts';
import { controls } from '../styles/controls.ts';
import { lanesStyles } from '../styles/lanes-styles.ts';
import { fire } from './fire.ts';
import './lab-lane-details.ts';
import './lab-metric.ts';
import './lab-plot.ts';
import './lab-strip.ts';
import { laneMark, selectOption } from './templates.ts';

/** The figures of each line, in order, and which figure is small below another. */
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
  queued: 'Opens next …',
  opening: 'Opening …',
  running: '',
  waiting: '▲ Waiting.',
  failed: '✕ Failed.',
  unavailable: '✕ Not available.',
};

/** How long rows keep their places, ms, so that they can be read. */
const MIN_READING_MS = 4000;
const SORT_SIGNS = { ascending: '▲', descending: '▼', none: '↕' } as const;

/**
 * The chosen lanes, a line each, with what goes into them above, and the others to add below. Fires `lab-hear`, `lab-lanes`,
 * `lab-baseline` and `lab-order`.
 */
@customElement('lab-lanes')
export class LabLanes extends LitElement {
  static override styles: CSSResultGroup = [controls, lanesStyles];

  @property({ attribute: false }) lanes: readonly LaneView[] = [];
  /** Which of them are to run, and how. */
  @property({ attribute: false }) settings: RunSettings = DEFAULT_RUN;
  @property({ attribute: false }) heard: Heard = null;
  /** Whether to hide which one is heard. */
  @property({ type: Boolean }) blind = false;
  /** Whether lanes cannot be chosen now. */
  @property({ type: Boolean }) fixed = false;
  /** What goes into the lanes; null while nothing runs. */
  @property({ attribute: false }) input: AudioNode | null = null;
  /** Which lanes count. */
  @property({ attribute: false }) readiness: Readiness<LaneId> = { state: 'idle' };
  /** The lane that the figures of the others are compared with. */
  @property() baseline: LaneId = 'webrtc';
  @property({ attribute: false }) order: RowOrder = { by: 'table' };
  /** Lanes by the need that was chosen, the best first. */
  @property({ attribute: false }) ranking: readonly LaneId[] = [];
  @state() private open: ReadonlySet<LaneId> = new Set();
  #rowIds: readonly LaneId[] = [];
  #orderedAtMs = -Infinity;
  /** What the order depends on besides figures. */
  #orderKey = '';

  protected override willUpdate(): void {
    const shown = this.lanes.filter(({ id }) => this.settings.lanes.includes(id));
    const { order, ranking } = this;
    const known = order.by === 'need' && ranking.length > 0 ? 'ranked' : '';
    const key = JSON.stringify([order, known, shown.map(({ id }) => id)]);
    const now = performance.now();
    const isRead = now - this.#orderedAtMs >= MIN_READING_MS;
    const used = this.shadowRoot?.activeElement ?? null;
    // A pointer leaves the focus behind; only keyboard users would lose their place.
    const isUsed = used?.matches(':focus-visible') === true && used.closest('tbody') !== null;
    if (key === this.#orderKey && (!isRead || isUsed)) return;
    this.#rowIds = orderedIds(shown, order, ranking);
    this.#orderedAtMs = now;
    this.#orderKey = key;
  }

  protected override render(): TemplateResult {
    const scale = this.#latencyScale();
    const views = new Map(this.lanes.map((view) => [view.id, view]));
    const rows = this.#rowIds.map((id) => views.get(id)!);
    return html`${this.#tools(rows)}${this.#table(rows, scale)}${this.#others()}`;
  }

  #tools(rows: readonly LaneView[]): TemplateResult {
    return html`<div class="tools">
      <div class="field baseline">
        <label for="baseline">Differences from</label>
        <select id="baseline" @change=${this.#compareWith}>
          ${[...new Set([...rows.map(({ id }) => id), this.baseline])].map((id) =>
            selectOption(id, LANES[id].label, this.baseline),
          )}
        </select>
      </div>
      <p class="caption">
        All figures of a row are of the same 5 s. They end about 2 s ago: finding the latency takes
        that long. <span class="best">★</span> marks the best of a column, among lanes that count.
        ${
          this.order.by === 'table'
            ? nothing
            : html`<button
                type="button"
                class="plain"
                @click=${() => fire(this, 'lab-order', { by: 'table' })}
              >
                Back to the usual order
              </button>`
        }
      </p>
    </div>`;
  }

  readonly #compareWith = (event: Event): void => {
    fire(this, 'lab-baseline', { lane: (event.target as HTMLSelectElement).value as LaneId });
  };

  #table(rows: readonly LaneView[], scale: number): TemplateResult {
    const ready = this.readiness.state === 'ready' ? this.readiness.ready : [];
    const counted = rows.filter(
      ({ id, figures }) => ready.includes(id) && (figures.match_ratio ?? 0) >= USABLE_MATCH,
    );
    const best = new Map(COLUMNS.map(({ metric }) => [metric, bestIds(metric, counted)]));
    return html`<table>
      <caption class="unseen">
        The lanes, all with the same source. A number key hears one of the first nine lanes alone, 0
        the source.
      </caption>
      <thead>
        <tr>
          <th scope="col" class="run"><span class="unseen">Runs</span></th>
          <th scope="col" class="hear">Hear</th>
          <th scope="col" class="lane">Lane</th>
          <th scope="col" class="sound">Level, dBFS</th>
          ${COLUMNS.map(
            ({ metric, below }) =>
              html`<th scope="col" class="figure" aria-sort=${this.#sortOf(metric)}>
                <lab-metric .metric=${metric}></lab-metric>
                ${
                  below === undefined
                    ? nothing
                    : html`<lab-metric
                        class="below"
                        .metric=${below}
                        short=${below === 'latency_p95_ms' ? '95 %' : 'payload'}
                      ></lab-metric>`
                }
                <button
                  type="button"
                  class="sort"
                  aria-label=${`Sort by ${METRICS[metric].label}`}
                  @click=${() => fire(this, 'lab-order', nextOrder(metric, this.order))}
                >
                  <span class="unit">${metricUnit(metric)}</span>
                  <span aria-hidden="true">${SORT_SIGNS[this.#sortOf(metric)]}</span>
                </button>
              </th>`,
          )}
          <th scope="col" class="chart">
            Latency, ${CHART_SECONDS} s <span class="unit">0–${scale} ms</span>
          </th>
          <th scope="col" class="more"><span class="unseen">Details</span></th>
        </tr>
      </thead>
      <tbody>
        ${this.#sourceRow()}
        ${repeat(
          rows,
          ({ id }) => id,
          (view) => this.#rows(view, scale, best),
        )}
      </tbody>
    </table>`;
  }

  /** The lanes that are not chosen: they take one line in all. */
  #others(): TemplateResult | typeof nothing {
    const others = this.lanes.filter(({ id }) => !this.settings.lanes.includes(id));
    if (others.length === 0) return nothing;
    const count = others.length === 1 ? 'One more lane' : `${others.length} more lanes`;
    return html`<details class="others">
      <summary>${count}</summary>
      <ul>
        ${repeat(
          others,
          ({ id }) => id,
          ({ id, kind, state: is, reason }) =>
            html`<li>
              <label>
                <input
                  type="checkbox"
                  aria-label=${`Run ${kind.label}`}
                  .checked=${false}
                  ?disabled=${this.fixed || is === 'unavailable'}
                  @change=${(event: Event) => this.#choose(id, event)}
                />
                <span class="name">${laneMark(id)} ${kind.label}</span>
                <span class="caption">${is === 'unavailable' ? reason : kind.note}</span>
              </label>
            </li>`,
        )}
      </ul>
    </details>`;
  }

  #sortOf(metric: LaneMetricId): 'ascending' | 'descending' | 'none' {
    const { order } = this;
    return order.by === metric && 'direction' in order ? order.direction : 'none';
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

  #rows(
    view: LaneView,
    scale: number,
    best: ReadonlyMap<LaneMetricId, readonly LaneId[]>,
  ): TemplateResult {
    const { id, kind, figures, history, lane } = view;
    const { colour, dash } = LANES[id].mark;
    const open = this.open.has(id);
    const counts = this.readiness.state === 'ready' && this.readiness.ready.includes(id);
    return html`<tr class="${counts ? '' : 'quiet'} ${open ? 'open' : ''}" data-lane=${id}>
        <td class="run">
          <input
            type="checkbox"
            aria-label=${`Run ${kind.label}`}
            .checked=${this.settings.lanes.includes(id) && view.state !== 'unavailable'}
            ?disabled=${this.fixed || view.state === 'unavailable'}
            @change=${(event: Event) => this.#choose(id, event)}
          />
        </td>
        <td class="hear">${this.#hearButton(id, keyOf(id), kind.label, lane === null)}</td>
        <th scope="row" class="lane">
          <span class="name">${laneMark(id)} ${kind.label}</span>
          <span class="caption">${whatToSay(view, this.readiness)}</span>
        </th>
        <td class="sound">
          <lab-strip .node=${lane?.output ?? null} name=${kind.label} colour=${colour}></lab-strip>
        </td>
        ${COLUMNS.map(
          ({ metric, below }) =>
            html`<td class="figure">
              <span class="number"
                >${
                  best.get(metric)?.includes(id) === true
                    ? html`<span class="best" role="img" aria-label="best">★</span> `
                    : nothing
                }<span class="value">${metricText(metric, figures[metric])}</span></span
              >
              ${
                below === undefined
                  ? nothing
                  : html`<span class="number below">${metricText(below, figures[below])}</span>`
              }
              <span class="number difference">${this.#difference(view, metric)}</span>
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
                <lab-lane-details
                  .view=${view}
                  .figures=${figures}
                  .settings=${this.settings}
                ></lab-lane-details>
              </td>
            </tr>`
          : nothing
      }`;
  }

  #hearButton(
    heard: NonNullable<Heard>,
    key: string | null,
    name: string,
    disabled = false,
  ): TemplateResult {
    const pressed = this.heard === heard && !this.blind;
    return html`<button
      type="button"
      class="key"
      aria-pressed=${pressed}
      aria-keyshortcuts=${key ?? nothing}
      aria-label=${`Hear ${name}`}
      ?disabled=${disabled && !pressed}
      @click=${() => fire(this, 'lab-hear', { heard: pressed ? null : heard })}
    >
      ${key ?? '♪'}
    </button>`;
  }

  /** Against the baseline, where both count. */
  #difference({ id, figures }: LaneView, metric: LaneMetricId): string {
    const { readiness, baseline } = this;
    if (readiness.state !== 'ready' || !readiness.ready.includes(id)) return '';
    if (id === baseline) return metric === COLUMNS[0]!.metric ? 'baseline' : '';
    if (!readiness.ready.includes(baseline)) return '';
    const base = this.lanes.find((view) => view.id === baseline);
    return differenceText(metric, figures[metric], base?.figures[metric] ?? null);
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
    const others = this.settings.lanes.filter((each) => each !== id);
    fire(this, 'lab-lanes', { lanes: on ? [...others, id] : others });
  }

  #toggle(id: LaneId): void {
    const open = new Set(this.open);
    if (!open.delete(id)) open.add(id);
    this.open = open;
  }
}

function whatToSay(
  { id, state: is, reason, kind }: LaneView,
  readiness: Readiness<LaneId>,
): TemplateResult {
  if (reason !== '') return html`<span class="reason">${STATE_WORDS[is]} ${reason}</span>`;
  if (readiness.state === 'ready' && readiness.silent.includes(id)) {
    return html`<span class="reason">▲ No audio arrives.</span>`;
  }
  if (is === 'running' && readiness.state === 'settling' && readiness.waiting.includes(id)) {
    return html`Settling …`;
  }
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
