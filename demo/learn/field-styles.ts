import type { CSSResult } from 'lit';
import { css } from 'lit';

/** A message as bytes, with its fields to press. After `learnPageStyles`. */
export const fieldStyles: CSSResult = css`
  .fields {
    display: grid;
    gap: 0.25rem;
  }
  .fields button {
    display: flex;
    flex-wrap: wrap;
    gap: 0.1rem 0.75rem;
    align-items: baseline;
    justify-content: space-between;
    padding: 0.4rem 0.75rem;
    border-color: var(--line);
    background: var(--sunken);
    text-align: left;
  }
  .fields button[aria-pressed='true'] {
    border-color: var(--in);
    background: var(--in);
    color: var(--on-accent);
  }
  .dump {
    padding: 0.5rem 0.75rem;
    border-radius: 4px;
    background: var(--sunken);
    font: var(--small) / 1.7 var(--mono);
    overflow-wrap: anywhere;
  }
  .dump mark {
    background: var(--in);
    color: var(--on-accent);
  }
`;
