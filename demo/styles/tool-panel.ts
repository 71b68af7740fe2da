import type { CSSResult } from 'lit';
import { css } from 'lit';

/** A panel whose parts are below one another, the first a heading with its tools at the right. After `controls`. */
export const toolPanel: CSSResult = css`
  .panel {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.75rem;
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 0.75rem;
    align-items: center;
  }
  h2 {
    margin-right: auto;
  }
  dl {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr));
    gap: 0.5rem 1rem;
    margin: 0;
  }
  dt {
    color: var(--ink-soft);
    font-size: var(--small);
  }
  dd {
    margin: 0;
    white-space: nowrap;
  }
  dd .number {
    font-size: 1.125rem;
  }
`;
