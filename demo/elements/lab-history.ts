import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { LANES } from '../lanes/lanes.ts';
import { joinedHistories } from '../lanes/lane-history.ts';
import type { LaneView } from '../lanes/lane-slot.ts';
import { METRICS } from '../measure/metric-table.ts';
import { metricUnit } from '../page/format.ts';
import { CHART_METRICS } from '../measure/metrics.ts';
import type { ChartMetricId } from '../measure/metrics.ts';
import { controls } from '../styles/controls.ts';
import { toolPanel } from '../styles/tool-panel.ts';
import './lab-plot.ts';
import type { PlotSeries } from './lab-plot.ts';
import { laneMark } from './templates.ts';

const SECONDS = 120;
const HEIGHT = 220;

/** One figure of all lanes over time, on one chart. */
@customElement('lab-history')
export class LabHistory extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    toolPanel,
    css`
      .head {
        column-gap: 1rem;
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem 1.25rem;
        margin: 0;
        padding: 0;
        list-style: none;
        font-size: var(--small);
      }
      li {
        display: inline-flex;
        gap: 0.4rem;
        align-items: center;
      }
      .line {
        width: 2rem;
        height: 10px;
      }
      @media (max-width: 52rem) {
        .choice {
          width: 100%;
        }
        .choice label {
          padding: 0 0.25rem;
        }
      }
    `,
  ];

  @property({ attribute: false }) lanes: readonly LaneView[] = [];
  @state() private metric: ChartMetricId = 'latency_p50_ms';
  #series: readonly PlotSeries[] = [];
  /** Whose series they are. */
  #ids = '';

  protected override willUpdate(): void {
    const ids = this.lanes.map(({ id }) => id).join();
    if (ids === this.#ids) return;
    this.#ids = ids;
    this.#series = this.lanes.map(({ id, kind }) => {
      const { colour, dash } = LANES[id].mark;
      return { label: kind.label, colour, dash, width: 2 };
    });
  }

  protected override render(): TemplateResult {
    const { metric, lanes } = this;
    const percent = METRICS[metric].unit === 'ratio';
    const histories = lanes.map(({ history }) => history);
    return html`<section class="panel" aria-labelledby="title">
      <div class="head">
        <h2 id="title">Over time</h2>
        <fieldset class="choice" aria-label="Figure">
          ${CHART_METRICS.map(
            (id) =>
              html`<label
                ><input
                  type="radio"
                  name="metric"
                  .checked=${id === metric}
                  @change=${() => (this.metric = id)}
                />${METRICS[id].label}</label
              >`,
          )}
        </fieldset>
      </div>
      <lab-plot
        .height=${HEIGHT}
        .seconds=${SECONDS}
        .series=${this.#series}
        .unit=${metricUnit(metric)}
        .span=${METRICS[metric].chart}
        .data=${joinedHistories(histories, metric, percent ? 100 : 1)}
        label=${`${METRICS[metric].label} of all lanes over the last ${SECONDS} seconds`}
      ></lab-plot>
      <ul>
        ${lanes.map(
          ({ id, kind, lane }) =>
            html`<li ?hidden=${lane === null}>${lineOf(id)}${laneMark(id)} ${kind.label}</li>`,
        )}
      </ul>
    </section>`;
  }
}

function lineOf(id: LaneView['id']): TemplateResult {
  const { colour, dash } = LANES[id].mark;
  return html`<svg class="line" viewBox="0 0 32 10" aria-hidden="true">
    <path
      d="M0 5h32"
      .style="stroke: var(${colour})"
      stroke-width="2"
      stroke-dasharray=${dash.join(' ')}
    />
  </svg>`;
}
