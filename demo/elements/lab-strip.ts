import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, unsafeCSS } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import { SoundTap } from '../audio/sound-tap.ts';
import { FrameLoop } from '../controllers/frame-loop.ts';
import { Ticker } from '../controllers/ticker.ts';
import { decibels } from '../page/format.ts';
import { METER_FLOOR_DBFS } from '../scope/draw-meter.ts';
import { drawWave } from '../scope/draw-traces.ts';
import { SmoothClock } from '../scope/smooth-clock.ts';
import { controls } from '../styles/controls.ts';

/** Text changes twice a second at most. */
const TEXT_INTERVAL_MS = 500;
const SECONDS = 3;
const COLUMNS_PER_SECOND = 60;
/** CSS pixels. */
const HEIGHT = 34;
const BAR = 7;
const GAP = 4;

/** Audio on one line: its waveform over the last seconds, its level as a bar, and as text. */
@customElement('lab-strip')
export class LabStrip extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 5ch;
        gap: 0.5rem;
        align-items: center;
        --colour: var(--tape);
      }
      canvas {
        display: block;
        width: 100%;
        height: ${unsafeCSS(HEIGHT)}px;
        border-radius: 3px;
        background: var(--sunken);
      }
      .number {
        font-size: var(--small);
        text-align: right;
      }
    `,
  ];

  /** What is shown; null for nothing. */
  @property({ attribute: false }) node: AudioNode | null = null;
  /** Whose audio it is. */
  @property() name = '';
  /** Name of a custom property of the page. */
  @property() colour = '--tape';
  @query('canvas') private canvas!: HTMLCanvasElement;

  #tap: SoundTap | null = null;
  readonly #clock = new SmoothClock();
  readonly #dark = matchMedia('(prefers-color-scheme: dark)');
  readonly #resize = new ResizeObserver(() => this.#fit());
  #ink: { readonly wave: string; readonly rest: string } | null = null;
  #width = 0;

  constructor() {
    super();
    new FrameLoop(this, () => this.#draw());
    new Ticker(this, TEXT_INTERVAL_MS);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resize.observe(this);
    this.#dark.addEventListener('change', this.#forgetInk);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize.disconnect();
    this.#dark.removeEventListener('change', this.#forgetInk);
    this.#follow(null);
  }

  protected override willUpdate(changed: Map<string, unknown>): void {
    if (changed.has('node') || this.#tap?.node !== (this.node ?? undefined))
      this.#follow(this.node);
    if (changed.has('colour')) this.#forgetInk();
  }

  protected override render(): TemplateResult {
    const level = this.#tap?.levelDbfs ?? -Infinity;
    const text = decibels(level);
    return html`<canvas aria-hidden="true"></canvas>
      <span
        class="number"
        role="meter"
        aria-label=${`${this.name}, level`}
        aria-valuemin=${METER_FLOOR_DBFS}
        aria-valuemax="0"
        aria-valuenow=${Math.round(Math.max(METER_FLOOR_DBFS, Math.min(0, level)))}
        aria-valuetext=${Number.isFinite(level) ? `${text} dBFS` : 'silence'}
        >${this.node === null ? '' : text}</span
      >`;
  }

  #follow(node: AudioNode | null): void {
    if (node === (this.#tap?.node ?? null)) return;
    this.#tap?.close();
    this.#tap = node === null ? null : new SoundTap(node, SECONDS, COLUMNS_PER_SECOND);
  }

  readonly #forgetInk = (): void => {
    this.#ink = null;
  };

  #fit(): void {
    const { canvas } = this;
    if (!canvas) return;
    this.#width = canvas.clientWidth;
    canvas.width = Math.round(this.#width * devicePixelRatio);
    canvas.height = Math.round(HEIGHT * devicePixelRatio);
  }

  #draw(): void {
    const pen = this.canvas?.getContext('2d');
    if (!pen || this.#width === 0) return;
    const tap = this.#tap;
    const width = this.#width;
    this.#ink ??= this.#readInk();
    tap?.update();
    pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    pen.clearRect(0, 0, width, HEIGHT);
    const now = this.#clock.read(tap?.node.context.currentTime ?? 0, performance.now() / 1000);
    const box = { x: 0, y: 0, width: width - BAR - GAP, height: HEIGHT };
    drawWave(pen, box, { now, seconds: SECONDS }, tap?.history ?? null, this.#ink.wave);
    pen.fillStyle = this.#ink.rest;
    pen.fillRect(width - BAR, 0, BAR, HEIGHT);
    const level = Math.max(METER_FLOOR_DBFS, Math.min(0, tap?.levelDbfs ?? METER_FLOOR_DBFS));
    const high = HEIGHT * (1 - level / METER_FLOOR_DBFS);
    pen.fillStyle = this.#ink.wave;
    pen.fillRect(width - BAR, HEIGHT - high, BAR, high);
  }

  #readInk(): { readonly wave: string; readonly rest: string } {
    const style = getComputedStyle(this);
    const value = (name: string): string => style.getPropertyValue(name).trim();
    return { wave: value(this.colour), rest: value('--line') };
  }
}
