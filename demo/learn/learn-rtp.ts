import { isSampleFormat } from 'micwire/codec';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { Ticker } from '../controllers/ticker.ts';
import { milliseconds, hex } from '../page/format.ts';
import { controls } from '../styles/controls.ts';
import './lab-learn-flow.ts';
import type { LearnVoice } from './learn-voice.ts';
import { VoiceUse } from './voice-use.ts';
import { opusTocFields } from './opus-toc.ts';
import type { FlowSettings } from './packet-flow.ts';
import { learnPageStyles } from './page-styles.ts';
import { figure } from './figure.ts';
import { RtpBench, examplePacket } from './rtp-bench.ts';
import type { SentPacket } from './rtp-bench.ts';
import type { RtpField } from './rtp-fields.ts';
import { rtpFields, rtpPayload } from './rtp-fields.ts';

const REDRAW_MS = 1000;
const SHOWN_BYTES = 40;
/** Bits in a line of the drawing; half as many on a phone. */
const LINE_BITS = 32;

/** The header of RTP, bit by bit, and packets on their way. */
@customElement('lab-learn-rtp')
export class LabLearnRtp extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    learnPageStyles,
    css`
      .box {
        display: grid;
        grid-template-columns: repeat(${LINE_BITS}, minmax(0, 1fr));
        gap: 2px;
      }
      .box button {
        position: relative;
        display: grid;
        gap: 0.15rem;
        place-content: center;
        min-width: 0;
        min-height: 3.5rem;
        padding: 0.2rem 1px;
        overflow: hidden;
        border-color: var(--line-strong);
        border-radius: 3px;
        background: var(--sunken);
        font-size: var(--small);
        line-height: 1.2;
        text-align: center;
      }
      .box button[aria-pressed='true'] {
        border-color: var(--in);
        background: var(--in);
        color: var(--on-accent);
      }
      .box b {
        font: 600 0.9375rem/1.2 var(--mono);
        overflow-wrap: anywhere;
      }
      .payload {
        grid-column: 1 / -1;
        min-height: 3.5rem;
        padding: 0.5rem 0.75rem;
        border: 1px dashed var(--line-strong);
        border-radius: 3px;
        font: var(--small) / 1.6 var(--mono);
        overflow-wrap: anywhere;
      }
      .ruler {
        display: grid;
        grid-template-columns: repeat(4, 1fr);
        color: var(--ink-soft);
        font: 0.75rem/1.2 var(--mono);
      }
      .detail {
        display: grid;
        gap: 0.35rem;
        min-height: 8.5rem;
        padding-left: 0.875rem;
        border-left: 3px solid var(--in);
      }
      .detail code {
        color: var(--in);
        font-size: 1.0625rem;
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      @media (max-width: 44rem) {
        .box {
          grid-template-columns: repeat(${LINE_BITS / 2}, minmax(0, 1fr));
        }
        .ruler {
          display: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) voice!: LearnVoice;
  /** Audio lives here. Public for tests. */
  readonly bench: RtpBench = new RtpBench();
  @state() private held = false;
  @state() private chosen = 6;
  #shown: SentPacket = examplePacket();

  constructor() {
    super();
    new VoiceUse(this);
    new Ticker(this, REDRAW_MS);
  }

  protected override render(): TemplateResult {
    const { last, settings } = this.bench;
    if (!this.held && last !== null) this.#shown = last;
    return html`${this.#header()}
      <lab-learn-flow
        .settings=${settings}
        @learn-flow=${({ detail }: CustomEvent<FlowSettings>) => {
          this.bench.settings = detail;
          this.requestUpdate();
        }}
      ></lab-learn-flow>
      ${this.#heard()}`;
  }

  #header(): TemplateResult {
    const { bytes, stream, format } = this.#shown;
    const fields = rtpFields(bytes, stream);
    const payload = rtpPayload(bytes);
    const field = fields[Math.min(this.chosen, fields.length - 1)]!;
    const isExample = this.bench.last === null;
    return html`<section class="panel" aria-labelledby="header">
      <div class="head">
        <h3 id="header">
          ${isExample ? 'The header of a packet: an example' : 'The header of a packet just sent'}
        </h3>
        <button
          type="button"
          aria-pressed=${this.held}
          ?disabled=${!this.voice.active && !this.held}
          @click=${() => (this.held = !this.held)}
        >
          ${this.held ? 'Held' : 'Hold'}
        </button>
      </div>
      <p class="prose">
        Every packet of audio begins with these 12 bytes. Press a field to see its bits and what it
        is for.
      </p>
      <div>
        <div class="ruler" aria-hidden="true">
          <span>bit 0</span><span>8</span><span>16</span><span>24</span>
        </div>
        <div class="box" role="group" aria-label="Fields of the RTP header">
          ${fields.map((each, i) => this.#box(each, i, each === field))}
          <p class="payload">
            ${hex(payload.subarray(0, SHOWN_BYTES))}${payload.length > SHOWN_BYTES ? ' …' : ''}
          </p>
        </div>
      </div>
      <div class="detail" aria-live=${this.held || !this.voice.active ? 'polite' : 'off'}>
        <h4>${field.name}</h4>
        <code>${grouped(field.bits)} = ${field.value}</code>
        <p>${field.meaning}</p>
        <p class="caption">${field.clause}</p>
      </div>
      <p class="caption">
        Payload: ${payload.length} bytes of ${stream.rtpMap}.
        ${isSampleFormat(format) ? nothing : html`Its first byte: ${opusTocFields(payload)[0]!.meaning}`}
      </p>
    </section>`;
  }

  #box({ label, name, width, value }: RtpField, index: number, isChosen: boolean): TemplateResult {
    return html`<button
      type="button"
      .style="grid-column: ${width === LINE_BITS ? '1 / -1' : `span ${width}`}"
      aria-pressed=${isChosen}
      @click=${() => this.#choose(index)}
    >
      <span>${label}</span>${width > 2 ? html` <b>${value}</b>` : nothing}
      <span class="unseen">, ${name}: ${value}</span>
    </button>`;
  }

  #heard(): TemplateResult {
    const stats = this.bench.receiver?.stats ?? null;
    return html`<section class="panel" aria-labelledby="heard">
      <h3 id="heard">The same network, with your voice</h3>
      <p class="prose">
        After Start your voice goes through the network above, in real time, as packets of Opus, and
        you hear what micwire’s receiver plays. Move the sliders and listen.
      </p>
      <dl class="figures">
        ${figure('Received', stats === null ? '–' : String(stats.packetsReceived))}
        ${figure('Lost', stats === null ? '–' : String(Math.max(0, stats.packetsLost)))}
        ${figure('Too late', stats === null ? '–' : String(stats.packetsLate))}
        ${figure('Target delay', stats === null ? '–' : `${milliseconds(stats.targetDelayMs)} ms`)}
        ${figure('Concealed', stats === null || stats.totalSamplesReceived === 0 ? '–' : `${((100 * stats.concealedSamples) / stats.totalSamplesReceived).toFixed(1)} %`)}
      </dl>
    </section>`;
  }

  #choose(index: number): void {
    this.chosen = index;
    if (this.voice.active) this.held = true;
  }
}

/** Bits in groups of eight from the end. */
function grouped(bits: string): string {
  return bits.replace(/\B(?=(?:.{8})+$)/g, ' ');
}
