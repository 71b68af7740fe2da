import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { laneUse } from '../lanes/lane-code.ts';
import { isCumulative } from '../lanes/lane-figures.ts';
import type { LaneView } from '../lanes/lane-slot.ts';
import { LANE_METRICS, NO_FIGURES } from '../measure/metrics.ts';
import type { LaneFigures, LaneMetricId } from '../measure/metrics.ts';
import type { SentMessage } from '../page/wire-parts.ts';
import { sentMessage } from '../page/wire-parts.ts';
import { metricText, metricUnit } from '../page/format.ts';
import { stationsOfLane } from '../page/stations.ts';
import { DEFAULT_RUN, queryOf } from '../runs/address.ts';
import type { RunSettings } from '../runs/run.ts';
import { controls } from '../styles/controls.ts';
import './lab-metric.ts';
import './lab-path.ts';
import './lab-wire.ts';
import { saveFile, timeName } from './save-file.ts';

/** How often the last message is asked for, ms. */
const MESSAGE_INTERVAL_MS = 1000;

/** Whether a figure is of the whole time, or of its beginning, not of the last seconds. */
function sinceOpening(id: LaneMetricId): boolean {
  return id === 'first_sound_ms' || isCumulative(id);
}

/** Everything about one lane: its path, all its figures, and its last message as it went over the wire. */
@customElement('lab-lane-details')
export class LabLaneDetails extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      :host {
        padding: 0.875rem 1.125rem 1.25rem;
        border-top: 1px dashed var(--line);
        background: var(--ground);
      }
      .about {
        max-width: 46rem;
        margin-bottom: 0.75rem;
      }
      dl {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr));
        gap: 0.625rem 1rem;
        margin: 0.375rem 0 1rem;
      }
      h3 {
        margin: 1rem 0 0;
        font-size: var(--small);
        font-weight: 600;
      }
      dt {
        color: var(--ink-soft);
        font-size: var(--small);
      }
      dd {
        margin: 0;
        white-space: nowrap;
      }
      .why {
        white-space: normal;
        line-height: 1.3;
      }
      .capture {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem 1rem;
        align-items: center;
        margin-top: 0.75rem;
      }
      pre {
        max-height: 24rem;
        margin: 0.375rem 0 0.75rem;
        padding: 0.75rem 0.875rem;
        overflow: auto;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--sunken);
        font: 0.8125rem/1.5 var(--mono);
      }
      .use {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem 1.25rem;
        align-items: center;
      }
      a {
        display: inline-block;
        min-height: 2.75rem;
        color: var(--in);
        line-height: 2.75rem;
      }
      .plain {
        --panel: var(--ground);
        --wire-height: 23rem;
      }
    `,
  ];

  @property({ attribute: false }) view: LaneView | null = null;
  /** Those of the view, which change while the view stays. */
  @property({ attribute: false }) figures: LaneFigures = NO_FIGURES;
  /** For the code of the lane, and for its address. */
  @property({ attribute: false }) settings: RunSettings = DEFAULT_RUN;
  @state() private copied = false;
  @state() private message: SentMessage | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#ask();
    this.#timer = setInterval(() => void this.#ask(), MESSAGE_INTERVAL_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  protected override render(): TemplateResult | typeof nothing {
    const { view } = this;
    if (view === null) return nothing;
    const { kind, lane } = view;
    return html`<p class="about">${kind.note}</p>
      <lab-path .stations=${stationsOfLane(kind.path)}></lab-path>
      <h3>The last 5 s that are known</h3>
      <dl>
        ${LANE_METRICS.filter((id) => !sinceOpening(id)).map((id) => this.#figure(id, kind.lacks[id]))}
      </dl>
      <h3>Since it was opened</h3>
      <dl>${LANE_METRICS.filter(sinceOpening).map((id) => this.#figure(id, kind.lacks[id]))}</dl>
      ${this.#wire(lane !== null)} ${this.#use(view)}`;
  }

  #use({ id, kind }: LaneView): TemplateResult {
    const { settings } = this;
    const { code, guide } = laneUse(id, settings);
    const query = queryOf({ ...settings, lanes: [id] });
    return html`<h3>Use this</h3>
      <p class="caption">
        ${kind.inWords}, with the settings of this page. The code runs as it is in a page that
        <code>npm start</code> serves. Guide: <code>${guide}</code>.
      </p>
      <pre tabindex="0" aria-label=${`Code of ${kind.label}`}><code>${code}</code></pre>
      <p class="use">
        <button type="button" @click=${() => this.#copy(code)}>
          ${this.copied ? 'Copied' : 'Copy the code'}
        </button>
        <a href=${`${location.pathname}?${query}`} target="_blank"
          >Open this lane alone, with these settings</a
        >
      </p>`;
  }

  async #copy(code: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(code);
      this.copied = true;
      setTimeout(() => (this.copied = false), 2000);
    } catch {
      // Not allowed: the code can be selected.
    }
  }

  #figure(id: LaneMetricId, lack: string | undefined): TemplateResult {
    return html`<div>
      <dt><lab-metric .metric=${id}></lab-metric></dt>
      ${
        lack === undefined
          ? html`<dd>
              <span class="number">${metricText(id, this.figures[id])}</span>
              <span class="caption">${metricUnit(id)}</span>
            </dd>`
          : html`<dd class="why caption">${lack}</dd>`
      }
    </div>`;
  }

  #wire(open: boolean): TemplateResult {
    const { message, view } = this;
    if (view?.kind.family === 'webrtc') {
      return html`<p class="caption">
        A page cannot see WebRTC’s packets. The steps, descriptions and candidates of the call are
        below the table.
      </p>`;
    }
    if (message === null) {
      return html`<p class="caption">
        ${open ? 'Nothing has been sent yet.' : 'Its last message appears here while it runs.'}
      </p>`;
    }
    if (message.parts !== null) {
      return html`<lab-wire class="plain" .message=${message.parts}></lab-wire>${this.#capture()}`;
    }
    return html`<p class="caption">The last message: ${message.summary}</p>`;
  }

  #capture(): TemplateResult | typeof nothing {
    if (this.view?.kind.path.some((part) => part.startsWith('RTP')) !== true) return nothing;
    return html`<p class="capture">
      <button type="button" @click=${this.#save}>Save the packets for Wireshark</button>
      <span class="caption"
        >A pcapng file of the packets of the last minute, as RTP with Opus.</span
      >
    </p>`;
  }

  readonly #save = async (): Promise<void> => {
    const { view } = this;
    const file = await view?.lane?.captureFile();
    if (file)
      saveFile(`micwire-${view!.id}-${timeName()}.pcapng`, 'application/octet-stream', file);
  };

  async #ask(): Promise<void> {
    const { view } = this;
    const message = (await view?.lane?.lastMessage()) ?? null;
    if (view === this.view) this.message = message === null ? null : sentMessage(message);
  }
}
