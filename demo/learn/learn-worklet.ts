import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, svg } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { Ticker } from '../controllers/ticker.ts';
import { count, milliseconds, percent } from '../page/format.ts';
import { controls } from '../styles/controls.ts';
import { exampleVoice } from './example-voice.ts';
import type { LearnVoice } from './learn-voice.ts';
import { VoiceUse } from './voice-use.ts';
import { learnPageStyles } from './page-styles.ts';
import { figure } from './figure.ts';
import type { QuantumStretch } from './quantum-bench.ts';
import { QuantumBench } from './quantum-bench.ts';
import { piecesOf } from './quantum-fill.ts';
import { WAVE_HEIGHT, WAVE_WIDTH, curveOf } from './wave-picture.ts';

const CHUNKS_MS = [10, 20, 40] as const;
/** Chunks in the picture. */
const SHOWN_CHUNKS = 2;
/** How often a quantum appears, ms: about sixty times slower than real time. */
const STEP_MS = 160;
const EXAMPLE_RATE = 48_000;
/** Web Audio §1.32.1, unless the context is asked for another. */
const USUAL_QUANTUM = 128;
const CHUNK_Y = 150;
const CHUNK_HEIGHT = 46;

/** Render quanta that fill chunks, and the time that there is for each. */
@customElement('lab-learn-worklet')
export class LabLearnWorklet extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    learnPageStyles,
    css`
      .fill {
        display: block;
        width: 100%;
        height: 13rem;
        border-radius: 4px;
        background: var(--sunken);
      }
      .fill path {
        fill: none;
        stroke: var(--in);
        stroke-width: 1.5;
        vector-effect: non-scaling-stroke;
      }
      .fill rect {
        vector-effect: non-scaling-stroke;
      }
      .quantum {
        fill: var(--panel);
        stroke: var(--line-strong);
        stroke-width: 1;
      }
      .quantum.now {
        fill: var(--in-soft);
        stroke: var(--in);
        stroke-width: 2;
      }
      .chunk {
        fill: none;
        stroke: var(--tape);
        stroke-width: 1.5;
      }
      .piece {
        fill: var(--in);
        stroke: var(--panel);
        stroke-width: 1;
      }
      .piece.second {
        fill: var(--out);
      }
      .axis {
        display: flex;
        justify-content: space-between;
      }
      .reading {
        min-height: 3em;
        font-size: 1.0625rem;
      }
      .budget {
        position: relative;
        height: 1.75rem;
        overflow: hidden;
        border: 1px solid var(--line-strong);
        border-radius: 4px;
        background: var(--sunken);
      }
      .budget div {
        width: 100%;
        height: 100%;
        background: var(--in);
        transform-origin: left;
      }
      .over div {
        background: var(--alert);
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        gap: 0.5rem;
      }
    `,
  ];

  @property({ attribute: false }) voice!: LearnVoice;
  /** Audio lives here. Public for tests. */
  readonly bench: QuantumBench = new QuantumBench();
  @state() private chunkMs: (typeof CHUNKS_MS)[number] = 20;
  /** Quanta that have filled something. */
  @state() private shownQuanta = 1;
  @state() private moving = !matchMedia('(prefers-reduced-motion: reduce)').matches;
  #stretch: QuantumStretch = exampleStretch();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    new VoiceUse(this);
    new Ticker(this, 500);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#timer = setInterval(() => this.moving && this.#step(), STEP_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  protected override render(): TemplateResult {
    return html`${this.#filling()} ${this.#budget()} ${this.#honesty()}`;
  }

  get #sampleRate(): number {
    return this.bench.sampleRate ?? EXAMPLE_RATE;
  }

  get #chunkFrames(): number {
    return Math.round((this.#sampleRate * this.chunkMs) / 1000);
  }

  #filling(): TemplateResult {
    const { quantumFrames, samples } = this.#stretch;
    const chunkFrames = this.#chunkFrames;
    const frames = SHOWN_CHUNKS * chunkFrames;
    const quanta = Math.ceil(frames / quantumFrames);
    const shown = Math.min(this.shownQuanta, quanta);
    const x = (frame: number): number => (WAVE_WIDTH * frame) / frames;
    const last = (shown - 1) * quantumFrames;
    const pieces = piecesOf(last, quantumFrames, chunkFrames);
    return html`<section class="panel" aria-labelledby="filling">
      <h3 id="filling">Quanta fill a chunk</h3>
      <p class="prose">
        The browser renders audio in <dfn>render quanta</dfn> of ${quantumFrames} frames, on a
        thread of its own. A processor is called once for each, and copies it to where a chunk is
        being collected. When the chunk is full, it goes to the page, to a Worker or to the network.
        It is shown about sixty times slower than real time.
      </p>
      <div class="controls">
        <fieldset>
          <legend>Length of a chunk</legend>
          <div class="choice">
            ${CHUNKS_MS.map(
              (ms) =>
                html`<label
                  ><input
                    type="radio"
                    name="chunk"
                    .value=${String(ms)}
                    .checked=${ms === this.chunkMs}
                    @change=${() => this.#choose(ms)}
                  />${ms} ms</label
                >`,
            )}
          </div>
        </fieldset>
        <div class="buttons">
          <button type="button" @click=${() => (this.moving = !this.moving)}>
            ${this.moving ? 'Pause' : 'Play'}
          </button>
          <button type="button" @click=${this.#next}>Next quantum</button>
        </div>
      </div>
      <div>
        <svg
          class="fill"
          viewBox="0 0 ${WAVE_WIDTH} ${WAVE_HEIGHT}"
          preserveAspectRatio="none"
          role="img"
          aria-label="Quanta of ${quantumFrames} frames above, two chunks of ${chunkFrames} frames below"
        >
          ${Array.from({ length: quanta }, (_, i) =>
            quantumBox(i, x(i * quantumFrames), x(quantumFrames), i === shown - 1),
          )}
          <g transform="scale(1 0.65)">
            <path d=${clipped(samples, frames, shown * quantumFrames)} />
          </g>
          ${Array.from({ length: shown }, (_, i) =>
            piecesOf(i * quantumFrames, quantumFrames, chunkFrames)
              .filter(({ chunk }) => chunk < SHOWN_CHUNKS)
              .map(
                ({ chunk, at, frames: length }) =>
                  svg`<rect class="piece ${chunk % 2 === 0 ? '' : 'second'}" x=${x(chunk * chunkFrames + at)} y=${CHUNK_Y} width=${x(length)} height=${CHUNK_HEIGHT} />`,
              ),
          )}
          ${Array.from(
            { length: SHOWN_CHUNKS },
            (_, chunk) =>
              svg`<rect class="chunk" x=${x(chunk * chunkFrames)} y=${CHUNK_Y} width=${x(chunkFrames)} height=${CHUNK_HEIGHT} />`,
          )}
        </svg>
        <div class="axis caption">
          <span>0 ms</span><span>${SHOWN_CHUNKS * this.chunkMs} ms</span>
        </div>
      </div>
      <p class="reading" aria-live=${this.moving ? 'off' : 'polite'}>
        Quantum ${shown}, frames ${count(last)} to ${count(last + quantumFrames - 1)}:
        ${pieces.map(
          ({ chunk, frames: length, at, fills }, i) =>
            html`${i > 0 ? ' and ' : ''}<b>${length} frames to chunk ${chunk + 1}</b
              >${fills ? ', which is full and leaves' : `, which now has ${at + length} of ${chunkFrames}`}`,
        )}.
      </p>
    </section>`;
  }

  #budget(): TemplateResult {
    const { bench } = this;
    const { quantumFrames } = this.#stretch;
    const budgetMs = (quantumFrames / this.#sampleRate) * 1000;
    const used = bench.sampleRate === null ? null : bench.meter.estimate;
    const share = used === null ? 0 : used.mean / budgetMs;
    return html`<section class="panel" aria-labelledby="budget">
      <h3 id="budget">Time budget</h3>
      <p class="prose">
        Every quantum must be ready before the device needs it. All processors of the page share
        that time; if they keep exceeding it, the output breaks up. Give this page’s processor more
        to do and listen.
      </p>
      <dl class="figures">
        ${figure('Frames in a quantum', String(quantumFrames))}
        ${figure('Time for a quantum', `${budgetMs.toFixed(2)} ms`)}
        ${figure('Quanta a second', (this.#sampleRate / quantumFrames).toFixed(0))}
        ${figure('Quanta in a chunk', `${+(this.#chunkFrames / quantumFrames).toFixed(2)}`)}
      </dl>
      <div class="field">
        <label for="work"
          >Extra work in each quantum: <strong class="number">${bench.workPercent}</strong></label
        >
        <input
          id="work"
          type="range"
          min="0"
          max="100"
          step="1"
          .value=${String(bench.workPercent)}
          @input=${this.#setWork}
        />
      </div>
      <div>
        <div class="axis caption">
          <span
            >Used by this page’s processor:
            <b class="number"
              >${used === null ? '–' : `${used.mean.toFixed(3)} ± ${used.error.toFixed(3)} ms`}</b
            ></span
          >
          <span>${budgetMs.toFixed(2)} ms</span>
        </div>
        <div
          class="budget ${share > 1 ? 'over' : ''}"
          role="meter"
          aria-label="Share of the time budget used by this page’s processor"
          aria-valuemin="0"
          aria-valuemax="100"
          aria-valuenow=${Math.min(100, Math.round(share * 100))}
        >
          <div .style="transform: scaleX(${Math.min(1, share)})"></div>
        </div>
      </div>
      <p class="caption">
        ${
          used === null
            ? 'Measured once some 500 quanta have been rendered.'
            : `${percent(share)} of the budget, the mean of up to 8 s.`
        }
      </p>
    </section>`;
  }

  #honesty(): TemplateResult {
    const { bench } = this;
    const { playback, baseLatencyMs } = bench;
    const running = bench.sampleRate !== null;
    const rows: readonly (readonly [string, string, string])[] = [
      [
        'Frames in a quantum',
        running ? `${this.#stretch.quantumFrames}, as the processor gets them` : 'Press Start',
        'Known exactly: the length of the arrays.',
      ],
      [
        'Time used by one processor',
        running ? 'only as a mean' : 'Press Start',
        'The audio thread has no performance.now() in most browsers, only Date.now() in whole ms. One quantum cannot be timed; of many, the share in which the millisecond changes gives the mean.',
      ],
      [
        'Quanta fetched at once',
        running ? `up to ${bench.burst}` : 'Press Start',
        'Quanta do not come at even intervals: the system fetches as many as its buffer holds, and then waits. Counted by those that began in the same ms.',
      ],
      [
        'Time used by the whole graph',
        'not available',
        'No browser reports it (AudioRenderCapacity was proposed and is in no stable release).',
      ],
      [
        'Breaks in the output',
        playback === null
          ? running
            ? 'not reported by this browser'
            : 'Press Start'
          : `${playback.underrunEvents} times, ${milliseconds(playback.underrunDuration * 1000)} ms`,
        'AudioContext.playbackStats, where the browser has it; nothing else reports it.',
      ],
      [
        'From the graph to the driver',
        baseLatencyMs === null ? 'Press Start' : `${milliseconds(baseLatencyMs)} ms`,
        'AudioContext.baseLatency. The device’s own delay is in outputLatency, as far as the system knows it.',
      ],
    ];
    return html`<section class="panel" aria-labelledby="honesty">
      <h3 id="honesty">What a page can measure, and what it cannot</h3>
      <div class="scroll" tabindex="0" role="region" aria-label="What can be measured">
        <table>
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Here, now</th>
              <th scope="col">How far it goes</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map(
              ([what, now, how]) =>
                html`<tr>
                  <th scope="row">${what}</th>
                  <td>${now}</td>
                  <td>${how}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`;
  }

  #choose(ms: (typeof CHUNKS_MS)[number]): void {
    this.chunkMs = ms;
    this.shownQuanta = 1;
    this.#refresh();
  }

  readonly #next = (): void => {
    this.moving = false;
    this.#step();
  };

  #step(): void {
    const quanta = Math.ceil((SHOWN_CHUNKS * this.#chunkFrames) / this.#stretch.quantumFrames);
    if (this.shownQuanta < quanta) {
      this.shownQuanta++;
      return;
    }
    this.shownQuanta = 1;
    this.#refresh();
  }

  /** Takes the latest audio for the picture. */
  #refresh(): void {
    const { stretch } = this.bench;
    if (stretch !== null && stretch.samples.length >= SHOWN_CHUNKS * this.#chunkFrames) {
      this.#stretch = stretch;
    }
  }

  readonly #setWork = (event: Event): void => {
    this.bench.workPercent = Number((event.target as HTMLInputElement).value);
    this.requestUpdate();
  };
}

function exampleStretch(): QuantumStretch {
  const longest = (SHOWN_CHUNKS * CHUNKS_MS.at(-1)! * EXAMPLE_RATE) / 1000;
  const samples = exampleVoice(EXAMPLE_RATE, longest + USUAL_QUANTUM);
  return { firstFrame: 0, quantumFrames: USUAL_QUANTUM, samples };
}

function quantumBox(index: number, x: number, width: number, isNow: boolean): TemplateResult {
  return svg`<rect class="quantum ${isNow ? 'now' : ''}" x=${x} y="2" width=${width} height="124" data-quantum=${index} />`;
}

/** The curve of the first `frames` frames, of which only the first `shown` have arrived. */
function clipped(samples: Float32Array, frames: number, shown: number): string {
  const whole = samples.subarray(0, frames);
  const curve = curveOf(whole);
  // One command for each sample.
  return curve
    .split(/(?=[ML])/)
    .slice(0, Math.min(shown, frames))
    .join('');
}
