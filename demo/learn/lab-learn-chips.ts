import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { controls } from '../styles/controls.ts';

/** A small part of a long whole. */
export interface Chip {
  /** Its number in the whole. */
  readonly index: number;
  readonly text: string;
  /** For screen readers, where the text alone says too little. */
  readonly name?: string;
  readonly marked: boolean;
}

/**
 * A row of small parts, of which one can be pressed. The arrow keys move the choice; Tab leaves the row. Fires `learn-pick` with the
 * number that was chosen, which may lie just outside of the row.
 */
@customElement('lab-learn-chips')
export class LabLearnChips extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      div {
        display: flex;
        flex-wrap: wrap;
        gap: 0.25rem;
      }
      button {
        min-width: 2.25rem;
        min-height: 2.25rem;
        padding: 0 0.4rem;
        border-color: var(--line);
        border-radius: 4px;
        background: var(--sunken);
        font: var(--small) / 1 var(--mono);
        font-variant-numeric: tabular-nums;
      }
      button[aria-pressed='true'] {
        border-color: var(--in);
        background: var(--in);
        color: var(--on-accent);
        font-weight: 600;
      }
      @media (pointer: coarse) {
        button {
          min-width: 2.75rem;
          min-height: 2.75rem;
        }
      }
    `,
  ];

  @property() label = '';
  @property({ attribute: false }) chips: readonly Chip[] = [];
  /** Whether the arrow keys have moved the choice, so that the focus follows. */
  #moved = false;

  protected override render(): TemplateResult {
    const first = Math.max(
      0,
      this.chips.findIndex(({ marked }) => marked),
    );
    return html`<div role="group" aria-label=${this.label} @keydown=${this.#key}>
      ${this.chips.map(
        ({ index, text, name, marked }, i) =>
          html`<button
            type="button"
            aria-pressed=${marked}
            aria-label=${name ?? text}
            tabindex=${i === first ? 0 : -1}
            @click=${() => this.#pick(index)}
          >
            ${text}
          </button>`,
      )}
    </div>`;
  }

  protected override updated(): void {
    if (!this.#moved) return;
    this.#moved = false;
    this.renderRoot.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }

  readonly #key = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const marked = this.chips.filter((chip) => chip.marked);
    const from = step < 0 ? marked[0] : marked.at(-1);
    const index = from?.index ?? this.chips[0]?.index;
    if (index === undefined) return;
    this.#moved = true;
    this.#pick(index + (from === undefined ? 0 : step));
  };

  #pick(index: number): void {
    this.dispatchEvent(new CustomEvent('learn-pick', { detail: index }));
  }
}
