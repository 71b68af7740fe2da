import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { controls } from '../styles/controls.ts';

/** A verdict stands so long before another takes its place, ms: it has to be read. */
const MIN_READING_MS = 4000;

/** What the figures come to, in words. */
@customElement('lab-verdict')
export class LabVerdict extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      :host {
        padding: 0.25rem 0.125rem;
      }
      .verdict {
        min-height: 4.2em;
        font-size: 1.125rem;
        line-height: 1.4;
        text-wrap: pretty;
      }
      .empty {
        color: var(--ink-soft);
      }
      @media (max-width: 52rem) {
        /* A late link takes more words. */
        .caption {
          min-height: 3lh;
        }
        .verdict {
          min-height: 9.8em;
          font-size: 1rem;
        }
      }
    `,
  ];

  /** null while there is none. */
  @property() verdict: string | null = null;
  /** Where the figures are from. */
  @property() about = '';
  #shown: string | null = null;
  #shownAt = -Infinity;

  protected override willUpdate(): void {
    const now = performance.now();
    const { verdict } = this;
    const shown = this.#shown;
    if (verdict === shown) return;
    if (verdict !== null && shown !== null && now - this.#shownAt < MIN_READING_MS) return;
    this.#shown = verdict;
    this.#shownAt = now;
  }

  protected override render(): TemplateResult {
    const shown = this.#shown;
    return html`<p class="caption">${this.about}</p>
      <p class="verdict ${shown === null ? 'empty' : ''}" data-test="verdict">
        ${shown ?? 'Nothing to compare yet. A few seconds of audio are needed.'}
      </p>`;
  }
}
