import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing, unsafeCSS } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type uPlot from 'uplot';
import uplotStyles from 'uplot/dist/uPlot.min.css?inline';
import { controls } from '../styles/controls.ts';

/** One line of a chart. */
export interface PlotSeries {
  readonly label: string;
  /** Name of a custom property of the page, such as `'--in'`. */
  readonly colour: string;
  /** CSS pixels. @default 1.5 */
  readonly width?: number;
  /** Lengths of strokes and gaps; so that lines are told apart without colour. @default a full line */
  readonly dash?: readonly number[];
}

/** Times in seconds, ascending, then a column for each line; null where nothing is known. */
export type PlotData = readonly (readonly (number | null)[] | Float32Array)[];

const AXIS_FONT_PX = 10;

let library: Promise<typeof uPlot | null> | undefined;

/**
 * uPlot, or null where it does not load. It asks for the number formats of `navigator.language` while it loads, and throws where that is
 * not a language, such as `C` in a WebKitGTK without a locale: then there are no charts, but everything else.
 */
function loadLibrary(): Promise<typeof uPlot | null> {
  library ??= import('uplot').then(
    (module) => module.default,
    () => null,
  );
  return library;
}

/**
 * A chart of lines over time, by uPlot, in the colours of the page. It follows its own width. It draws only when `data` is set: give it a
 * new array, or call `redraw()`.
 */
@customElement('lab-plot')
export class LabPlot extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    unsafeCSS(uplotStyles),
    css`
      .frame {
        overflow: hidden;
        border-radius: var(--radius);
        background: var(--sunken);
      }
      .bare {
        border-radius: 3px;
      }
    `,
  ];

  @property({ attribute: false }) series: readonly PlotSeries[] = [];
  @property({ attribute: false }) data: PlotData = [];
  /** CSS pixels. */
  @property({ type: Number }) height = 160;
  /** What it shows, for screen readers. */
  @property() label = '';
  /** Of the values, beside the scale. */
  @property() unit = '';
  /** The least the scale spans, from 0 where not said: steady values stay where they are. */
  @property({ attribute: false }) span: readonly [number, number] = [0, 1];
  /** Without axes: for a line of a table. */
  @property({ type: Boolean }) bare = false;
  /** Seconds that are in view. */
  @property({ type: Number }) seconds = 60;
  /** Whether the scale grows with the values; else it is `span`. */
  @property({ type: Boolean }) fixed = false;
  @query('.frame') private frame!: HTMLElement;
  /** Whether there can be no chart. */
  @state() private missing = false;

  #library: typeof uPlot | null = null;
  #plot: uPlot | null = null;
  #wide = 0;
  readonly #dark = matchMedia('(prefers-color-scheme: dark)');
  readonly #resize = new ResizeObserver(() => this.#fit());

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resize.observe(this);
    this.#dark.addEventListener('change', this.#rebuild);
    void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resize.disconnect();
    this.#dark.removeEventListener('change', this.#rebuild);
    this.#plot?.destroy();
    this.#plot = null;
  }

  /** Draws what the columns of `data` hold now. */
  redraw(): void {
    if (this.#plot === null || this.data.length === 0) return;
    this.#plot.setData(this.data as unknown as uPlot.AlignedData);
  }

  protected override render(): TemplateResult {
    return html`<div
      class="frame ${this.bare ? 'bare' : ''}"
      role="img"
      aria-label=${this.label}
      .style="height: ${this.height}px"
    >
      ${this.missing && !this.bare ? html`<p class="caption">No charts in this browser.</p>` : nothing}
    </div>`;
  }

  protected override updated(changed: Map<string, unknown>): void {
    const shape = ['series', 'height', 'unit', 'bare', 'seconds', 'span', 'fixed'];
    if (this.#plot === null || shape.some((name) => changed.has(name))) this.#rebuild();
    else if (changed.has('data')) this.redraw();
  }

  async #load(): Promise<void> {
    this.#library = await loadLibrary();
    this.missing = this.#library === null;
    if (this.isConnected) this.#rebuild();
  }

  #fit(): void {
    const width = this.clientWidth;
    if (width === this.#wide || width === 0) return;
    this.#wide = width;
    if (this.#plot === null) this.#rebuild();
    else this.#plot.setSize({ width, height: this.height });
  }

  readonly #rebuild = (): void => {
    this.#plot?.destroy();
    this.#plot = null;
    const Plot = this.#library;
    if (Plot === null || !this.frame || this.#wide === 0) return;
    const data = this.data.length > 0 ? this.data : [[], ...this.series.map(() => [])];
    this.#plot = new Plot(this.#options(), data as unknown as uPlot.AlignedData, this.frame);
  };

  #options(): uPlot.Options {
    const style = getComputedStyle(this);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const font = `${AXIS_FONT_PX}px ${colour('--mono')}`;
    const axis = {
      stroke: colour('--ink-soft'),
      font,
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
    };
    return {
      width: this.#wide,
      height: this.height,
      padding: this.bare ? [4, 2, 4, 2] : [10, 12, 0, 0],
      cursor: { show: false },
      legend: { show: false },
      select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      scales: {
        x: { time: false, range: (_, __, max) => [(max ?? 0) - this.seconds, max ?? 0] },
        y: { range: (_, min, max) => this.#range(min, max) },
      },
      axes: this.bare
        ? [{ show: false }, { show: false }]
        : [
            {
              ...axis,
              size: 20,
              gap: 2,
              splits: (self) => this.#splits(self),
              values: (self, at) => this.#ages(self, at),
            },
            {
              ...axis,
              size: this.unit.length > 2 ? 76 : 52,
              gap: 4,
              values: (_, at) => at.map((value) => this.#scaleText(value)),
            },
          ],
      series: [
        {},
        ...this.series.map(({ label, colour: name, width = 1.5, dash }) => ({
          label,
          stroke: colour(name),
          width,
          points: { show: false },
          ...(dash === undefined ? {} : { dash: [...dash] }),
        })),
      ],
    };
  }

  #range(min: number | null, max: number | null): [number, number] {
    const [low, high] = this.span;
    if (this.fixed) return [low, high];
    const top = Math.max(high, (max ?? high) * 1.1);
    return [Math.min(low, min ?? low), top];
  }

  /** Marks at round ages, the newest at the right. */
  #splits(self: uPlot): number[] {
    const newest = self.scales['x']?.max ?? 0;
    const step = this.seconds <= 60 ? 10 : 20;
    const count = Math.floor(this.seconds / step);
    return Array.from({ length: count + 1 }, (_, i) => newest - (count - i) * step);
  }

  /** The x axis tells how long ago it was. */
  #ages(self: uPlot, at: readonly number[]): string[] {
    const newest = self.scales['x']?.max ?? 0;
    return at.map((value, i) => {
      const age = Math.round(newest - value);
      // The oldest would run into the other axis.
      if (i === 0) return '';
      return age === 0 ? 'now' : `−${age} s`;
    });
  }

  #scaleText(value: number): string {
    const text = String(Math.round(value * 100) / 100).replace('-', '−');
    return this.unit === '' ? text : `${text} ${this.unit}`;
  }
}
