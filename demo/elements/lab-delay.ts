import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { DelayPart } from '../page/readings.ts';
import { scaleFor } from '../page/readings.ts';
import { milliseconds } from '../page/format.ts';
import type { Spread } from '../lanes/running-figures.ts';
import { controls } from '../styles/controls.ts';

/** Where the milliseconds go: the parts of the delay, end to end on one scale. */
@customElement('lab-delay')
export class LabDelay extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .head {
        display: flex;
        justify-content: space-between;
        gap: 1rem;
        align-items: baseline;
      }
      .total {
        white-space: nowrap;
      }
      .total .number {
        display: inline-block;
        min-width: 5ch;
        font-size: 1.375rem;
        text-align: right;
      }
      .bar {
        position: relative;
        display: flex;
        height: 1.25rem;
        margin: 0.625rem 0 0.25rem;
        border-radius: 3px;
        background: var(--sunken);
        overflow: hidden;
      }
      .part {
        flex: none;
        min-width: 0;
        border-right: 1px solid var(--panel);
        forced-color-adjust: none;
        background: var(--fill);
      }
      .in {
        --fill: var(--in);
      }
      .wire {
        --fill: var(--tape);
      }
      .out {
        --fill: var(--out);
      }
      .pale {
        opacity: 0.62;
      }
      .scale {
        display: flex;
        justify-content: space-between;
      }
      ol {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr));
        gap: 0.75rem 1.25rem;
        margin: 0.75rem 0 0;
        padding: 0;
        list-style: none;
      }
      li {
        min-width: 0;
      }
      .key {
        display: inline-block;
        width: 0.625rem;
        height: 0.625rem;
        margin-right: 0.4rem;
        border-radius: 2px;
        background: var(--fill);
        forced-color-adjust: none;
      }
      .label {
        font-size: var(--small);
        font-weight: 600;
      }
      .outside {
        min-height: calc(2.9em + 0.6rem);
        margin-top: 0.75rem;
        padding-top: 0.6rem;
        border-top: 1px solid var(--line);
      }
      @media (max-width: 52rem) {
        ol {
          grid-template-columns: 1fr;
          gap: 0.5rem;
        }
        li {
          display: grid;
          grid-template-columns: 1fr auto;
          gap: 0 0.5rem;
        }
        li .caption {
          grid-column: 1 / -1;
        }
      }
    `,
  ];

  @property({ attribute: false }) parts: readonly DelayPart[] = [];
  /** The whole, which is measured by itself. */
  @property({ attribute: false }) total: Spread | null = null;
  /** What the browser says that its output adds, in ms. */
  @property({ attribute: false }) outputMs: number | null = null;

  protected override render(): TemplateResult {
    const scale = scaleFor(this.parts.reduce((sum, { ms }) => sum + Math.max(0, ms ?? 0), 0));
    const { total } = this;
    return html`<section class="panel" aria-labelledby="title">
      <div class="head">
        <h2 id="title">Where the milliseconds go</h2>
        <p class="total">
          <span class="number">${total === null ? '–' : milliseconds(total.median)}</span>
          <span class="caption">ms in all</span>
        </p>
      </div>
      <div class="bar" aria-hidden="true">
        ${this.parts.map(
          ({ ms, side }, index) =>
            html`<div
              class="part ${side} ${index % 2 === 1 ? 'pale' : ''}"
              .style="width: ${(Math.max(0, ms ?? 0) / scale) * 100}%"
            ></div>`,
        )}
      </div>
      <div class="scale caption number" aria-hidden="true">
        <span>0</span><span>${scale} ms</span>
      </div>
      <ol>
        ${this.parts.map(
          ({ label, ms, side, note }, index) =>
            html`<li>
              <span class="label"
                ><span class="key ${side} ${index % 2 === 1 ? 'pale' : ''}"></span>${label}</span
              >
              <div>
                <span class="number">${ms === null ? '–' : milliseconds(ms)}</span>
                <span class="caption">ms</span>
              </div>
              <p class="caption">${note}</p>
            </li>`,
        )}
      </ol>
      <p class="caption outside">${this.#outside()}</p>
    </section>`;
  }

  #outside(): string {
    const { total, outputMs } = this;
    const scope =
      'From a frame at the capture node to the same frame at the playout node; devices come on top.';
    const spread =
      total === null
        ? ''
        : ` Median of the last ${total.count} chunks; 95 % under ${milliseconds(total.p95)} ms.`;
    const output =
      outputMs === null ? '' : ` This browser says its output adds ${milliseconds(outputMs)} ms.`;
    return scope + spread + output;
  }
}
