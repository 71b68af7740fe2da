import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, html, nothing, svg } from 'lit';
import { customElement } from 'lit/decorators.js';
import { bytes, count, milliseconds } from '../page/format.ts';
import { controls } from '../styles/controls.ts';
import type { BurstMode } from './burst-log.ts';
import { BURST_BYTES, HIGH_BYTES, LOW_BYTES, MESSAGE_BYTES } from './burst-log.ts';
import { burstChart, pingChart, pingScale } from './channel-charts.ts';
import type { ChannelChoice } from './channel-open.ts';
import { channelStyles } from './channel-styles.ts';
import type { PingedChannel } from './channels-bench.ts';
import { ChannelsBench, LINK_KBPS } from './channels-bench.ts';
import { figure } from './figure.ts';
import './lab-learn-open.ts';
import { learnPageStyles } from './page-styles.ts';
import { slider } from './slider.ts';

const CHANNELS: Readonly<Record<PingedChannel, readonly [title: string, words: string]>> = {
  reliable: [
    'Reliable, in order',
    'A lost message is sent again, and all behind it wait until it is there.',
  ],
  unreliable: [
    'Unreliable, unordered',
    'maxRetransmits: 0 and ordered: false. A lost message is gone, and no later one waits for it.',
  ],
};

const MODES: Readonly<Record<BurstMode, string>> = {
  'at-once': 'Send all at once',
  paced: 'Send as the buffer empties',
};

/** Data channels of a call: their round trips, their buffer and their options. */
@customElement('lab-learn-channels')
export class LabLearnChannels extends LitElement {
  static override styles: CSSResultGroup = [controls, learnPageStyles, channelStyles];

  /** The call lives here. Public for tests. */
  readonly bench: ChannelsBench = new ChannelsBench(() => this.requestUpdate());

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.bench.stop();
  }

  protected override render(): TemplateResult {
    const { phase, told } = this.bench;
    return html`${this.#pings()} ${this.#burst()}
      <lab-learn-open
        .up=${phase === 'up'}
        .told=${told}
        @learn-open=${({ detail }: CustomEvent<ChannelChoice>) => this.bench.open(detail)}
      ></lab-learn-open>`;
  }

  #pings(): TemplateResult {
    const { phase, link, logs, problem } = this.bench;
    const scaleMs = pingScale(Object.values(logs));
    return html`<section class="panel" aria-labelledby="pings">
      <div class="head">
        <h3 id="pings">Two channels of one call</h3>
        <button type="button" class=${phase === 'idle' ? 'primary' : ''} @click=${this.#toggle}>
          ${phase === 'idle' ? 'Start a call' : 'End the call'}
        </button>
      </div>
      <p class="prose">
        A data channel carries messages over SCTP, which runs in DTLS, which runs over the pair that
        ICE has found (RFC 8831). All channels share one connection, and each says what is done
        about loss. Every 100 ms a ping goes out on both, and the other end returns it. The call is
        within the page, and its packets go through the lab’s simulated network.
      </p>
      <div class="controls">
        ${slider('loss', 'Loss, each way', `${Math.round(100 * link.lossRatio)} %`, 30, Math.round(100 * link.lossRatio), (value) => this.bench.configure({ lossRatio: value / 100 }))}
        ${slider('delay', 'Delay, each way', `${link.delayMs} ms`, 300, link.delayMs, (value) => this.bench.configure({ delayMs: value }))}
      </div>
      <p role="status" class=${problem === '' ? 'caption' : 'error'}>${this.#status()}</p>
      <div class="pair">
        ${(Object.keys(CHANNELS) as PingedChannel[]).map((name) => this.#channel(name, scaleMs))}
      </div>
      <p class="caption legend">
        <span
          ><svg viewBox="0 0 20 12" aria-hidden="true">
            ${svg`<circle class="dot" cx="10" cy="6" r="3" />`}</svg
          >a round trip</span
        >
        <span
          ><svg viewBox="0 0 20 12" aria-hidden="true">
            ${svg`<path class="cross" d="M6 2l8 8m0-8l-8 8" />`}</svg
          >not back after 2 s</span
        >
      </p>
      <p class="caption">
        Both channels share one connection and its congestion control: after a loss it sends less
        for a while, which slows the unreliable channel too.
      </p>
    </section>`;
  }

  #channel(name: PingedChannel, scaleMs: number): TemplateResult {
    const [title, words] = CHANNELS[name];
    const log = this.bench.logs[name];
    const nowMs = performance.now();
    const { sent, back, missing, overtaken } = log.counts(nowMs);
    const { times } = log;
    const ms = (value: number | undefined): string =>
      value === undefined ? '–' : `${milliseconds(value)} ms`;
    return html`<div class="channel" id=${name}>
      <h4>${title}</h4>
      <p class="caption">${words}</p>
      ${pingChart(log, title, nowMs, scaleMs)}
      <dl class="figures">
        ${figure('Sent', count(sent))} ${figure('Back', count(back))}
        ${figure('Missing', count(missing))} ${figure('Overtaken', count(overtaken))}
        ${figure('Median', ms(times?.medianMs))} ${figure('Worst', ms(times?.worstMs))}
      </dl>
    </div>`;
  }

  #status(): string {
    const { phase, problem, isModelled } = this.bench;
    if (problem !== '') return problem;
    if (phase === 'busy') return 'Connecting.';
    if (phase === 'idle') return '';
    return isModelled
      ? `Connected, over a simulated network of ${LINK_KBPS / 1000} Mbit/s.`
      : 'Connected. The server has no simulated network: packets go directly, and nothing is lost.';
  }

  #burst(): TemplateResult {
    const { phase, burst, isBusy } = this.bench;
    return html`<section class="panel" aria-labelledby="burst">
      <h3 id="burst">A burst, and the buffer</h3>
      <p class="prose">
        <code>send()</code> never waits: what the network does not take yet is buffered, and
        <code>bufferedAmount</code> says how much. An app that sends ${bytes(BURST_BYTES)} at once
        keeps it in memory, and cannot take it back. A better one stops at ${bytes(HIGH_BYTES)} and
        continues at the event <code>bufferedamountlow</code>, which fires when it falls to
        <code>bufferedAmountLowThreshold</code>, here ${bytes(LOW_BYTES)}. Messages have
        ${bytes(MESSAGE_BYTES)} each. Loss and delay are those above: try it without loss first.
      </p>
      <div class="buttons">
        ${(Object.keys(MODES) as BurstMode[]).map(
          (mode) =>
            html`<button
              type="button"
              ?disabled=${phase !== 'up' || isBusy}
              @click=${() => this.bench.sendBurst(mode)}
            >
              ${MODES[mode]}
            </button>`,
        )}
      </div>
      ${burst === null ? nothing : html`<div>${burstChart(burst)}</div>`}
      ${
        burst === null
          ? nothing
          : html`<dl class="figures">
                ${figure('How', MODES[burst.mode].replace('Send ', ''))}
                ${figure('Most buffered', bytes(burst.peakBytes))}
                ${figure('Low events', count(burst.lowMs.length))}
                ${figure('Arrived after', burst.doneMs === null ? '–' : `${count(burst.doneMs)} ms`)}
              </dl>
              <p class="caption legend">
                ${legend(svg`<path class="buffered" d="M0 6h20" />`, 'bufferedAmount')}
                ${legend(svg`<path class="received" d="M0 6h20" />`, 'arrived at the other end')}
                ${legend(svg`<path class="low" d="M0 6h20" />`, 'the low threshold')}
                ${legend(svg`<path class="event" d="M10 2l4 8h-8z" />`, 'bufferedamountlow')}
              </p>`
      }
    </section>`;
  }

  readonly #toggle = (): void => {
    if (this.bench.phase === 'idle') void this.bench.start();
    else this.bench.stop();
  };
}

function legend(sign: TemplateResult, words: string): TemplateResult {
  return html`<span><svg viewBox="0 0 20 12" aria-hidden="true">${sign}</svg>${words}</span>`;
}
