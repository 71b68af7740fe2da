import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import { controls } from '../styles/controls.ts';

/** Room between the name, the definition and the window's edges, in CSS pixels. */
const GAP = 6;

/** A name and what it means. */
export interface Term {
  readonly label: string;
  /** Empty for none. */
  readonly unit: string;
  readonly definition: string;
  /** Small, below the definition. */
  readonly notes: readonly (TemplateResult | string)[];
}

/** The name of something; when pressed, it says what the thing is. */
@customElement('lab-term')
export class LabTerm extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      :host {
        display: inline-block;
      }
      button {
        min-height: 1.5rem;
        padding: 0;
        border: 0;
        border-radius: 2px;
        color: inherit;
        font: inherit;
        text-align: inherit;
        text-decoration: underline dotted var(--line-strong);
        text-underline-offset: 0.2em;
      }
      button:hover {
        text-decoration-style: solid;
      }
      [popover] {
        position: fixed;
        inset: auto;
        width: min(26rem, calc(100vw - 1rem));
        margin: 0;
        padding: 0.875rem 1rem 1rem;
        border: 1px solid var(--line-strong);
        border-radius: var(--radius);
        background: var(--panel);
        color: var(--ink);
        font: 400 0.875rem/1.5 var(--font);
        text-align: left;
        white-space: normal;
        box-shadow: 0 8px 28px rgb(0 0 0 / 18%);
      }
      h3 {
        margin: 0 0 0.35rem;
        font-size: 0.9375rem;
        font-weight: 600;
      }
      p + p {
        margin-top: 0.5rem;
      }
      code {
        font: 0.8125rem var(--mono);
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ attribute: false }) term: Term | null = null;
  /** In place of the term's own name, where there is less room. */
  @property() short = '';
  @query('button') private button!: HTMLElement;
  @query('[popover]') private popup!: HTMLElement;

  /** What is named here. */
  protected get named(): Term | null {
    return this.term;
  }

  protected override render(): TemplateResult | typeof nothing {
    const { named } = this;
    if (named === null) return nothing;
    const { label, unit, definition, notes } = named;
    return html`<button type="button" popovertarget="definition" aria-label="${label}: what it is">
        ${this.short || label}
      </button>
      <div id="definition" popover role="note" aria-label=${label} @toggle=${this.#place}>
        <h3>${label}${unit === '' ? nothing : `, ${unit}`}</h3>
        <p>${definition}</p>
        ${notes.map((note) => html`<p class="caption">${note}</p>`)}
      </div>`;
  }

  /** Below the name, or above it where there is no room below; within the window. */
  readonly #place = (event: Event): void => {
    if ((event as ToggleEvent).newState !== 'open') return;
    const { button, popup } = this;
    const name = button.getBoundingClientRect();
    const { width, height } = popup.getBoundingClientRect();
    const left = Math.min(name.left, document.documentElement.clientWidth - width - GAP);
    const below = name.bottom + GAP;
    const top = below + height > innerHeight ? Math.max(GAP, name.top - height - GAP) : below;
    popup.style.left = `${Math.max(GAP, left)}px`;
    popup.style.top = `${top}px`;
  };
}
