import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Status } from '../page/status.ts';
import { controls } from '../styles/controls.ts';

/** A sign for each tone, so that colour is never the only one. */
const SIGNS: Readonly<Record<Status['tone'], string>> = {
  idle: '○',
  busy: '◌',
  good: '●',
  warning: '▲',
  problem: '✕',
};

/** How things stand, in a line, with the one thing to do about it. */
@customElement('lab-status')
export class LabStatus extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .line {
        display: grid;
        grid-template-columns: 1.25rem 1fr auto;
        gap: 0 0.5rem;
        align-items: center;
        min-height: 3.25rem;
        padding: 0.4rem 0.5rem 0.4rem 0.875rem;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--panel);
      }
      .warning {
        border-color: var(--warn);
        background: var(--warn-ground);
      }
      .problem {
        border-color: var(--alert);
        background: var(--alert-ground);
      }
      .sign {
        color: var(--ink-soft);
        text-align: center;
      }
      .good .sign {
        color: var(--in);
      }
      .warning .sign {
        color: var(--warn);
      }
      .problem .sign {
        color: var(--alert);
      }
      strong {
        font-weight: 600;
      }
      .detail {
        color: var(--ink-soft);
      }
      .warning .detail,
      .problem .detail {
        color: var(--ink);
      }
      @media (max-width: 36rem) {
        .line {
          grid-template-columns: 1.25rem 1fr;
          gap: 0.4rem 0.5rem;
          min-height: 5.5rem;
          padding: 0.6rem 0.875rem;
        }
        .detail {
          display: block;
        }
        button {
          grid-column: 2;
          justify-self: start;
          margin-bottom: 0.2rem;
        }
      }
    `,
  ];

  @property({ attribute: false }) status: Status = {
    tone: 'idle',
    title: '',
    detail: '',
    action: null,
  };

  /** The detail of a warning counts down: a screen reader would read out every second. */
  protected override render(): TemplateResult {
    const { tone, title, detail, action } = this.status;
    return html`<div class="line ${tone}">
      <span class="sign" aria-hidden="true">${SIGNS[tone]}</span>
      <p role="status">
        <strong>${title}</strong>
        <span class="detail" aria-live=${tone === 'warning' ? 'off' : 'polite'}>${detail}</span>
      </p>
      ${action ? html`<button type="button" @click=${action.run}>${action.label}</button>` : nothing}
    </div>`;
  }
}
