import type { CSSResultGroup, PropertyValues, TemplateResult } from 'lit';
import { css, html } from 'lit';
import { property, query, state } from 'lit/decorators.js';
import { numberIn } from '../core/arguments.ts';
import { amplitudeToDb } from '../core/metering/decibels.ts';
import { define } from './shared/define.ts';
import { checkSource } from './shared/element-source.ts';
import type { ElementSource } from './shared/element-source.ts';
import { FrameLoop } from './shared/frame-loop.ts';
import { decibels } from './shared/numbers.ts';
import { SourceFollower } from './shared/source-follower.ts';
import { theme } from './shared/theme.ts';
import { TypedElement } from './shared/typed-element.ts';
import { WaveTap } from './shared/wave-tap.ts';

/** Texts of {@link MicwireWaveform}. */
export interface WaveformLabels {
  /** Name of the picture. */
  readonly waveform: string;
  /** Description of the picture. `peakDbfs` is a text such as "−12.0". */
  readonly value: (seconds: number, peakDbfs: string) => string;
  /** Ends of the time axis. */
  readonly ago: (seconds: number) => string;
  readonly now: string;
}

const LABELS: WaveformLabels = {
  waveform: 'Waveform',
  value: (seconds, peakDbfs) => `the last ${seconds} seconds, peak ${peakDbfs} dBFS`,
  ago: (seconds) => `${seconds} s ago`,
  now: 'now',
};

/** Events of {@link MicwireWaveform}. */
export interface WaveformEventMap {
  /** The source cannot be listened to, in `detail`. */
  readonly error: CustomEvent<Error>;
}

/** How quickly the picture's clock follows the context's, which moves in steps, as a fraction of the difference per frame. */
const CLOCK_PULL = 0.05;
/** A larger difference than this is not jitter, in seconds. */
const CLOCK_JUMP = 0.1;

/**
 * Draws the scrolling waveform of the last seconds of a source. All channels are mixed to one.
 *
 * @tag micwire-waveform
 * @fires {CustomEvent<Error>} error - The source cannot be listened to: `detail` says why.
 * @csspart base - Everything.
 * @csspart canvas - The picture, with the role `img`. Its height is yours to set.
 * @csspart scale - The ends of the time axis.
 */
export class MicwireWaveform extends TypedElement<WaveformEventMap> {
  static override styles: CSSResultGroup = [
    theme,
    css`
      canvas {
        display: block;
        width: 100%;
        height: 4.5rem;
        border-radius: var(--_radius);
        background: linear-gradient(var(--_line-strong), var(--_line-strong)) center / 100% 1px
          no-repeat var(--_track);
        color: var(--_accent);
        direction: ltr;
      }

      .scale {
        display: flex;
        justify-content: space-between;
        margin-top: 0.1875rem;
        color: var(--_ink-soft);
        font-size: 0.75rem;
        direction: ltr;
      }

      @media (forced-colors: active) {
        canvas {
          outline: 1px solid CanvasText;
          outline-offset: -1px;
          background: Canvas;
          forced-color-adjust: none;
        }
      }
    `,
  ];

  /** Name of the picture for screen readers. If empty, `labels.waveform` is used. */
  @property() label = '';

  /** Texts in another language or wording; missing ones are English. */
  @property({ attribute: false }) labels: Partial<WaveformLabels> = {};

  /** Length of the time axis, in seconds, 1–60. Throws a `RangeError` for any other value. */
  @property({ type: Number })
  get seconds(): number {
    return this.#seconds;
  }
  set seconds(seconds: number) {
    this.#seconds = numberIn('micwire-waveform.seconds', seconds, 1, 60);
  }

  /** The source to draw: an `AudioNode` or a `Microphone`. Throws a `TypeError` for any other value. */
  @property({ attribute: false })
  get source(): ElementSource | null {
    return this.#source;
  }
  set source(source: ElementSource | null) {
    this.#source = checkSource('micwire-waveform', source, null);
  }

  /** Highest peak of the picture, as text. */
  @state() private peak = decibels(-Infinity);
  @query('canvas') private canvas!: HTMLCanvasElement;

  #seconds = 10;
  #source: ElementSource | null = null;
  readonly #follower: SourceFollower<ElementSource, WaveTap> = new SourceFollower(this, {
    open: (source) => new WaveTap(source, this.seconds),
    close: (tap) => tap.close(),
  });
  readonly #loop = new FrameLoop(this, {
    take: () => this.#follower.opened?.take(),
    draw: () => this.#draw(),
    tell: () => this.#tell(),
  });
  readonly #resize =
    typeof ResizeObserver === 'undefined' ? null : new ResizeObserver(() => this.#fit());
  #ink = '';
  /** The time at the right edge, in seconds. */
  #now = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resize?.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize?.disconnect();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('source') || changed.has('seconds')) {
      this.peak = decibels(-Infinity);
      this.#follower.follow(this.source);
    }
    this.#loop.active = this.#follower.opened !== null;
  }

  protected override render(): TemplateResult {
    const texts = { ...LABELS, ...this.labels };
    const { seconds } = this;
    return html`<div part="base">
      <canvas
        part="canvas"
        role="img"
        aria-label="${this.label || texts.waveform}: ${texts.value(seconds, this.peak)}"
      ></canvas>
      <div class="scale" part="scale" aria-hidden="true">
        <span>${texts.ago(seconds)}</span><span>${texts.now}</span>
      </div>
    </div>`;
  }

  protected override updated(): void {
    if (this.canvas.width !== this.#width) this.#fit();
    if (this.#follower.opened === null) this.#clear();
  }

  get #width(): number {
    return Math.round(this.canvas.clientWidth * devicePixelRatio);
  }

  /** Adapts the canvas to the pixels of the screen. */
  #fit(): void {
    const { canvas } = this;
    if (canvas === null) return;
    const [width, height] = [this.#width, Math.round(canvas.clientHeight * devicePixelRatio)];
    if (canvas.width === width && canvas.height === height) return;
    canvas.width = width;
    canvas.height = height;
    if (this.#follower.opened !== null) this.#draw();
  }

  #clear(): void {
    this.canvas.getContext('2d')?.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  #tell(): void {
    this.#ink = getComputedStyle(this.canvas).color;
    const tap = this.#follower.opened;
    if (tap !== null) this.peak = decibels(amplitudeToDb(tap.peak()));
  }

  #draw(): void {
    const tap = this.#follower.opened;
    const { canvas } = this;
    const pen = canvas.getContext('2d');
    if (tap === null || pen === null) return;
    if (this.#ink === '') this.#ink = getComputedStyle(canvas).color;
    const { width, height } = canvas;
    const { history, time } = tap;
    const ahead = time - this.#now;
    // Assumes sixty frames a second; other frame rates are followed in proportion.
    this.#now =
      Math.abs(ahead - 1 / 60) > CLOCK_JUMP
        ? time
        : this.#now + 1 / 60 + (ahead - 1 / 60) * CLOCK_PULL;
    const pixelSeconds = this.#seconds / width;
    const columns = history.columnsPerSecond * pixelSeconds;
    // Pixels are counted from time 0, so that each keeps its column while it moves.
    const last = Math.floor(Math.min(this.#now, time) / pixelSeconds);
    pen.clearRect(0, 0, width, height);
    pen.fillStyle = this.#ink;
    const middle = height / 2;
    for (let x = 0; x < width; x++) {
      const pixel = last - width + x;
      const end = Math.max(Math.floor(pixel * columns) + 1, Math.floor((pixel + 1) * columns));
      let low = 0;
      let high = 0;
      for (let column = Math.floor(pixel * columns); column < end; column++) {
        if (column < 0) continue;
        low = Math.min(low, history.low(column));
        high = Math.max(high, history.high(column));
      }
      if (low === high) continue;
      const top = middle - Math.min(1, high) * middle;
      pen.fillRect(x, top, 1, Math.max(1, middle + Math.min(1, -low) * middle - top));
    }
  }
}

define('micwire-waveform', MicwireWaveform);

declare global {
  interface HTMLElementTagNameMap {
    'micwire-waveform': MicwireWaveform;
  }
}
