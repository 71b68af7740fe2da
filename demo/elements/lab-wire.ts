import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { WireMessage } from '../lanes/close-up-lane.ts';
import { controls } from '../styles/controls.ts';
import { tableStyles } from '../styles/table-styles.ts';
import { costOf, takeApart } from '../page/wire-parts.ts';

/** The last message as it went over the wire, field by field. */
@customElement('lab-wire')
export class LabWire extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    tableStyles,
    css`
      .panel {
        height: 100%;
        min-height: var(--wire-height, 31rem);
      }
      .head {
        display: flex;
        justify-content: space-between;
        gap: 1rem;
        align-items: start;
      }
      .head button {
        min-width: 5.5rem;
      }
      table {
        margin-top: 0.75rem;
        font-size: 0.875rem;
      }
      th,
      td {
        padding: 0.22rem 0.75rem 0.22rem 0;
      }
      tbody th,
      td.wire {
        font-family: var(--mono);
        font-size: var(--small);
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      td.wire {
        color: var(--in);
        min-width: 13ch;
      }
      td.meaning {
        width: 100%;
        color: var(--ink-soft);
        font-variant-numeric: tabular-nums;
      }
      .payload {
        max-width: calc(64ch + 1.5rem);
        /* Packets of Opus differ in length: what is below stays where it is. */
        min-height: calc(4.5em + 1rem);
        margin: 0.75rem 0 0.25rem;
        padding: 0.5rem 0.75rem;
        border-radius: 4px;
        background: var(--sunken);
        color: var(--in);
        font: var(--small) / 1.5 var(--mono);
        overflow-wrap: anywhere;
      }
      .payload span:not(:only-child) {
        display: inline-block;
        margin-right: 0.5ch;
        white-space: nowrap;
      }
      @media (max-width: 36rem) {
        tbody tr {
          display: grid;
          grid-template-columns: auto 1fr;
          padding: 0.3rem 0;
          border-top: 1px solid var(--line);
        }
        thead {
          display: none;
        }
        th,
        td {
          padding: 0;
          border: 0;
        }
        td.wire {
          text-align: right;
          min-width: 0;
        }
        td.meaning {
          grid-column: 1 / -1;
          font-size: var(--small);
        }
      }
    `,
  ];

  @property({ attribute: false }) message: WireMessage | null = null;
  /** What is shown before anything was sent; null for Opus, which has to be encoded first. */
  @property({ attribute: false }) example: WireMessage | null = null;
  /** What is shown while it is held. */
  @state() private held: WireMessage | null = null;

  protected override render(): TemplateResult {
    const sent = this.held ?? this.message;
    const shown = sent ?? this.example;
    return html`<section class="panel" aria-labelledby="title">
      <div class="head">
        <div>
          <h2 id="title">The last chunk, as it went over the wire</h2>
          <p class="caption">${sent === null ? this.#waiting : costOf(takeApart(sent))}</p>
        </div>
        <button
          type="button"
          aria-pressed=${this.held !== null}
          ?disabled=${sent === null}
          @click=${this.#toggleHold}
        >
          ${this.held === null ? 'Hold' : 'Held'}
        </button>
      </div>
      ${shown === null ? nothing : this.#parts(shown)}
    </section>`;
  }

  get #waiting(): string {
    return this.example === null
      ? 'It appears here once a packet of Opus has been sent.'
      : 'An example, until there is one.';
  }

  #parts(shown: WireMessage): TemplateResult {
    const { rows, payload, payloadNote, payloadCut } = takeApart(shown);
    const place = typeof shown.message === 'string' ? 'Key' : 'Offset';
    return html`<table>
        <thead>
          <tr>
            <th scope="col">${place}</th>
            <th scope="col">On the wire</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            ({ where, wire, meaning }) =>
              html`<tr>
                <th scope="row">${where}</th>
                <td class="wire">${wire}</td>
                <td class="meaning">${meaning}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      <p class="payload">
        ${payload.map((group) => html`<span>${group}</span> `)}${payloadCut ? '…' : ''}
      </p>
      <p class="caption">${payloadNote}</p>`;
  }

  readonly #toggleHold = (): void => {
    this.held = this.held === null ? this.message : null;
  };
}
