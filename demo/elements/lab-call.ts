import { dumpForImporter } from 'micwire';
import type { Call, IceReport } from 'micwire';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { CALL_CHARTS, callChartData } from '../page/call-charts.ts';
import type { CallChart } from '../page/call-charts.ts';
import type { Consent } from '../page/consent.ts';
import { ConsentWatch, consentWords } from '../page/consent.ts';
import type { GatheringError, ServerAsked } from '../page/ice-errors.ts';
import { serversAsked } from '../page/ice-errors.ts';
import { controls } from '../styles/controls.ts';
import './lab-call-steps.ts';
import './lab-ice.ts';
import './lab-plot.ts';
import './lab-sdp.ts';
import { saveFile, timeName } from './save-file.ts';

/** An end of a call that can be shown. */
export interface CallEnd {
  readonly label: string;
  readonly call: Call;
}

/** How often a call is read, ms. */
const INTERVAL_MS = 1000;
const CHART_SECONDS = 60;
const CHART_HEIGHT = 140;

/** Everything that can be seen of a call: its six steps, its descriptions, its addresses, its figures over time, as a file too. */
@customElement('lab-call')
export class LabCall extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 1.25rem;
      }
      .head {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem 1rem;
        align-items: center;
        justify-content: space-between;
      }
      h3 {
        margin: 0 0 0.4rem;
        font-size: 0.9375rem;
        font-weight: 600;
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(3, minmax(0, 1fr));
        gap: 1rem;
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 0.1rem 0.875rem;
        margin: 0.3rem 0 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: inline-flex;
        gap: 0.35rem;
        align-items: center;
      }
      .line {
        width: 1.75rem;
        height: 8px;
      }
      @media (max-width: 52rem) {
        .charts {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  /** The ends that can be chosen between; the calls of one or both sides. */
  @property({ attribute: false }) ends: readonly CallEnd[] = [];
  /** Addresses of the STUN and TURN servers of the call, and what went wrong with them. */
  @property({ attribute: false }) servers: readonly string[] = [];
  @property({ attribute: false }) iceErrors: readonly GatheringError[] = [];
  /** What `getUserMedia` gave, for the dump. */
  @property({ attribute: false }) captured: readonly MediaStreamTrack[] = [];
  @state() private chosen = 0;
  @state() private ice: IceReport | null = null;
  @state() private consent: Consent | null = null;
  #consents = new ConsentWatch();
  #timer: ReturnType<typeof setInterval> | undefined;
  #seen: Call | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setInterval(() => void this.#look(), INTERVAL_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  protected override willUpdate(): void {
    const call = this.#call;
    if (call === this.#seen) return;
    this.#seen = call;
    this.ice = null;
    this.consent = null;
    this.#consents = new ConsentWatch();
    void this.#look();
  }

  protected override render(): TemplateResult | typeof nothing {
    const call = this.#call;
    if (call === null) return nothing;
    return html`<div class="head">
        ${this.ends.length > 1 ? this.#choice() : html`<span></span>`}
        <button type="button" @click=${this.#save}>Save a webrtc-internals dump</button>
      </div>
      <div>
        <h3>Six steps</h3>
        <lab-call-steps .steps=${call.steps}></lab-call-steps>
      </div>
      <div>
        <h3>Offer and answer</h3>
        <lab-sdp .offer=${call.offer} .answer=${call.answer}></lab-sdp>
      </div>
      <div>
        <h3>Candidates and pairs</h3>
        <lab-ice .report=${this.ice} .servers=${this.#servers}></lab-ice>
        ${
          this.consent === null
            ? nothing
            : html`<p class="caption consent">${consentWords(this.consent)}</p>`
        }
      </div>
      <div>
        <h3>From getStats, the last ${CHART_SECONDS} s</h3>
        <div class="charts">${CALL_CHARTS.map((chart) => this.#chart(chart, call))}</div>
      </div>`;
  }

  get #call(): Call | null {
    return (this.ends[this.chosen] ?? this.ends[0])?.call ?? null;
  }

  get #servers(): readonly ServerAsked[] {
    return serversAsked(this.servers, this.ice?.local ?? [], this.iceErrors);
  }

  #choice(): TemplateResult {
    return html`<fieldset class="choice" aria-label="End of the call">
      ${this.ends.map(
        ({ label }, index) =>
          html`<label
            ><input
              type="radio"
              name="end"
              .checked=${index === this.chosen}
              @change=${() => (this.chosen = index)}
            />${label}</label
          >`,
      )}
    </fieldset>`;
  }

  #chart(chart: CallChart, { history }: Call): TemplateResult {
    const { title, unit, span, lines } = chart;
    return html`<div>
      <lab-plot
        .height=${CHART_HEIGHT}
        .seconds=${CHART_SECONDS}
        .series=${lines}
        .span=${span}
        .unit=${unit}
        .data=${callChartData(chart, history)}
        label=${`${title} of the call over time`}
      ></lab-plot>
      <ul class="caption">
        <li><strong>${title}</strong></li>
        ${lines.map(
          ({ label, colour, dash = [] }) =>
            html`<li>
              <svg class="line" viewBox="0 0 28 8" aria-hidden="true">
                <path
                  d="M0 4h28"
                  .style="stroke: var(${colour})"
                  stroke-width="2"
                  stroke-dasharray=${dash.join(' ')}
                /></svg
              >${label}
            </li>`,
        )}
      </ul>
    </div>`;
  }

  async #look(): Promise<void> {
    const call = this.#call;
    if (call !== null && call.state !== 'closed') {
      const ice = await call.ice().catch(() => null);
      if (call === this.#call && ice !== null) {
        this.ice = ice;
        this.consent = this.#consents.add(performance.now(), ice);
      }
    }
    this.requestUpdate();
  }

  readonly #save = (): void => {
    const { captured } = this;
    const dump = dumpForImporter(
      this.ends.map(({ call }) => call),
      { captured },
    );
    saveFile(`webrtc-internals-${timeName()}.json`, 'application/json', dump);
  };
}
