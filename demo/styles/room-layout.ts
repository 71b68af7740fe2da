import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The view of a call between two machines. */
export const roomStyles: CSSResult = css`
  main,
  .panel {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--gap);
  }
  .panel {
    gap: 1rem;
  }
  .bar {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    gap: 0.5rem 1.5rem;
    align-items: center;
  }
  .start {
    min-width: 7.5rem;
    min-height: 3.25rem;
    font-size: 1.0625rem;
  }
  .bar p {
    min-height: 1.45em;
  }
  a {
    color: var(--in);
  }
  .strips {
    display: grid;
    grid-template-columns: repeat(2, minmax(0, 1fr));
    gap: 1rem;
  }
  .settings {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr));
    gap: 0.75rem 1rem;
    align-items: end;
  }
  .check {
    display: flex;
    gap: 0.5rem;
    align-items: center;
    min-height: 2.5rem;
    font-size: 0.9375rem;
  }
  @media (max-width: 44rem) {
    .bar {
      grid-template-columns: minmax(0, 1fr);
    }
    .strips {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
