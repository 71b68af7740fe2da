import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Reading } from '../page/readings.ts';
import { controls } from '../styles/controls.ts';

/** The counters and measurements of a lane, each with a sentence that says what it is. */
@customElement('lab-readings')
export class LabReadings extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      dl {
        display: grid;
        grid-template-columns: repeat(4, minmax(0, 1fr));
        gap: 1px;
        margin: 0;
        overflow: hidden;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--line);
      }
      .cell {
        min-width: 0;
        padding: 0.75rem 1.125rem 0.8rem;
        background: var(--panel);
      }
      dt {
        font-size: var(--small);
        font-weight: 600;
      }
      dd {
        margin: 0;
      }
      .value {
        margin: 0.1rem 0 0.15rem;
        white-space: nowrap;
      }
      .value .number {
        font-size: 1.5rem;
        line-height: 1.2;
      }
      .bad .number {
        color: var(--alert);
      }
      .bad .number::before {
        content: '▲ ';
        font-size: 0.875rem;
      }
      .note {
        min-height: 2.9em;
      }
      @media (max-width: 52rem) {
        dl {
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }
        .cell {
          padding: 0.7rem 0.875rem;
        }
      }
      @media (max-width: 30rem) {
        .note {
          min-height: 4.35em;
        }
      }
    `,
  ];

  @property({ attribute: false }) readings: readonly Reading[] = [];

  protected override render(): TemplateResult {
    return html`<dl>
      ${this.readings.map(
        ({ label, value, unit, note, bad }) =>
          html`<div class="cell">
            <dt>${label}</dt>
            <dd class="value ${bad === true ? 'bad' : ''}">
              <span class="number">${value}</span> <span class="caption">${unit}</span>
            </dd>
            <dd class="note caption">${note}</dd>
          </div>`,
      )}
    </dl>`;
  }
}
