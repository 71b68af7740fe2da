import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The view of a session on a wire that can be cut. */
export const sessionStyles: CSSResult = css`
  main,
  .panel {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--gap);
  }
  .panel {
    gap: 0.875rem;
    align-content: start;
  }
  .bar {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    gap: 0.75rem 1.5rem;
    align-items: center;
  }
  .wire {
    min-width: 9.5rem;
    min-height: 3.25rem;
    font-size: 1.0625rem;
  }
  button.wire[aria-pressed='true'] {
    border-color: var(--alert);
    background: var(--alert);
    color: var(--on-accent);
    font-weight: 600;
  }
  .ways {
    display: grid;
    grid-template-columns: repeat(2, minmax(0, 1fr));
    gap: var(--gap);
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem 0.75rem;
    align-items: baseline;
    justify-content: space-between;
  }
  .verdict {
    min-height: 1.45em;
    font-weight: 600;
  }
  .verdict.good {
    color: var(--out);
  }
  .verdict.bad {
    color: var(--alert);
  }
  svg {
    display: block;
    width: 100%;
    height: 2.5rem;
    border-radius: 3px;
    background: var(--sunken);
  }
  .arrived {
    fill: var(--out);
  }
  .pending {
    fill: var(--in);
    fill-opacity: 0.35;
  }
  .lost {
    fill: var(--alert);
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem 1.25rem;
  }
  .legend svg {
    display: inline-block;
    width: 1.25rem;
    height: 0.75rem;
    margin-right: 0.4rem;
    vertical-align: -0.05rem;
  }
  .axis {
    display: flex;
    justify-content: space-between;
  }
  .outbox {
    height: 0.75rem;
    overflow: hidden;
    border: 1px solid var(--line-strong);
    border-radius: 99px;
    background: var(--sunken);
  }
  .outbox div {
    width: 100%;
    height: 100%;
    background: var(--in);
    transform-origin: left;
  }
  dl {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr));
    gap: 0.5rem 1rem;
    margin: 0;
  }
  dt {
    color: var(--ink-soft);
    font-size: var(--small);
  }
  dd {
    margin: 0;
  }
  ol {
    display: grid;
    gap: 0.25rem;
    min-height: 6rem;
    margin: 0;
    padding: 0;
    line-height: 1.7;
    list-style: none;
  }
  .word.pending {
    color: var(--ink-soft);
    text-decoration: underline dotted;
    text-underline-offset: 0.2em;
  }
  .word.lost {
    color: var(--alert);
    text-decoration: line-through;
    text-decoration-thickness: 2px;
  }
  @media (max-width: 52rem) {
    .bar {
      grid-template-columns: minmax(0, 1fr);
    }
    .ways {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
