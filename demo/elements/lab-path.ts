import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Station } from '../page/stations.ts';
import { controls } from '../styles/controls.ts';

/** The path of the audio as a line of stations. */
@customElement('lab-path')
export class LabPath extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      ol {
        display: grid;
        grid-auto-columns: minmax(0, 1fr);
        grid-auto-flow: column;
        margin: 0.25rem 0 0;
        padding: 0;
        list-style: none;
      }
      /* The line runs through the middle of the dots, from the first to the last. */
      li {
        position: relative;
        padding: 1.125rem 0.75rem 0 0;
        --colour: var(--tape);
      }
      li::before {
        content: '';
        position: absolute;
        top: 5px;
        right: 0;
        left: 0;
        height: 2px;
        background: var(--colour);
        forced-color-adjust: none;
      }
      li:last-child::before {
        display: none;
      }
      li::after {
        content: '';
        position: absolute;
        top: 0;
        left: 0;
        width: 12px;
        height: 12px;
        border: 2px solid var(--colour);
        border-radius: 50%;
        background: var(--ground);
      }
      .in {
        --colour: var(--in);
      }
      .out {
        --colour: var(--out);
      }
      .name {
        font-size: 0.875rem;
        font-weight: 600;
      }
      .what {
        font-variant-numeric: tabular-nums;
      }
      @media (max-width: 44rem) {
        ol {
          grid-auto-flow: row;
          grid-template-columns: minmax(0, 1fr);
        }
        li {
          display: flex;
          justify-content: space-between;
          gap: 0.75rem;
          padding: 0 0 0.5rem 1.5rem;
        }
        li::before {
          top: 9px;
          right: auto;
          bottom: -5px;
          left: 5px;
          width: 2px;
          height: auto;
        }
        li::after {
          top: 5px;
        }
        .what {
          text-align: right;
        }
      }
    `,
  ];

  @property({ attribute: false }) stations: readonly Station[] = [];

  protected override render(): TemplateResult {
    return html`<ol aria-label="The path of the audio">
      ${this.stations.map(
        ({ name, what, side }) =>
          html`<li class=${side}>
            <div class="name">${name}</div>
            <div class="what caption">${what}</div>
          </li>`,
      )}
    </ol>`;
  }
}
