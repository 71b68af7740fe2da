import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, unsafeCSS } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import type { Tap } from '../audio/tap.ts';
import { SCOPE_SECONDS } from '../audio/tap.ts';
import { FrameLoop } from '../controllers/frame-loop.ts';
import type { ChunkTape } from '../scope/chunk-tape.ts';
import { drawMeter } from '../scope/draw-meter.ts';
import type { View } from '../scope/draw-traces.ts';
import { drawAxis, drawTape, drawWave } from '../scope/draw-traces.ts';
import { SCOPE_HEIGHT, layOut } from '../scope/scope-layout.ts';
import type { ScopeTheme } from '../scope/scope-theme.ts';
import { readTheme } from '../scope/scope-theme.ts';
import { SmoothClock } from '../scope/smooth-clock.ts';
import { controls } from '../styles/controls.ts';

/** The bank: waveform in, the tape of chunks, waveform out, and both meters, on one canvas. */
@customElement('lab-scope')
export class LabScope extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      :host {
        overflow: hidden;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--sunken);
      }
      canvas {
        display: block;
        width: 100%;
        height: ${unsafeCSS(SCOPE_HEIGHT)}px;
      }
    `,
  ];

  @property({ attribute: false }) context: AudioContext | null = null;
  @property({ attribute: false }) inputTap: Tap | null = null;
  @property({ attribute: false }) outputTap: Tap | null = null;
  @property({ attribute: false }) tape: ChunkTape | null = null;
  @query('canvas') private canvas!: HTMLCanvasElement;

  readonly #clock = new SmoothClock();
  readonly #dark = matchMedia('(prefers-color-scheme: dark)');
  readonly #resize = new ResizeObserver(() => this.#fit());
  #theme: ScopeTheme | null = null;
  /** CSS pixels. */
  #width = 0;

  constructor() {
    super();
    new FrameLoop(
      this,
      () => this.#draw(),
      () => {
        this.inputTap?.update();
        this.outputTap?.update();
      },
    );
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resize.observe(this);
    this.#dark.addEventListener('change', this.#forgetTheme);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize.disconnect();
    this.#dark.removeEventListener('change', this.#forgetTheme);
  }

  protected override render(): TemplateResult {
    return html`<canvas
      role="img"
      aria-label="The waveform of the input, below it one mark for each chunk, below that the waveform of the output. Levels are beside it as text."
    ></canvas>`;
  }

  readonly #forgetTheme = (): void => {
    this.#theme = null;
  };

  #fit(): void {
    const { canvas } = this;
    if (!canvas) return;
    this.#width = this.clientWidth;
    canvas.width = Math.round(this.#width * devicePixelRatio);
    canvas.height = Math.round(SCOPE_HEIGHT * devicePixelRatio);
  }

  #draw(): void {
    const pen = this.canvas?.getContext('2d');
    if (!pen || this.#width === 0) return;
    this.#theme ??= readTheme(this);
    const { inputTap, outputTap } = this;
    const theme = this.#theme;
    const view: View = {
      now: this.#clock.read(this.context?.currentTime ?? 0, performance.now() / 1000),
      seconds: SCOPE_SECONDS,
    };
    const layout = layOut(this.#width);
    pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    pen.clearRect(0, 0, this.#width, SCOPE_HEIGHT);
    drawAxis(pen, layout.axis, view, SCOPE_HEIGHT, theme);
    drawWave(pen, layout.inputWave, view, inputTap?.history ?? null, theme.input);
    drawTape(pen, layout.tape, view, this.tape, theme);
    drawWave(pen, layout.outputWave, view, outputTap?.history ?? null, theme.output);
    const { input, inputSoft, output, outputSoft } = theme;
    drawMeter(pen, layout.inputMeter, inputTap?.levels ?? null, input, inputSoft, theme);
    drawMeter(pen, layout.outputMeter, outputTap?.levels ?? null, output, outputSoft, theme);
  }
}
