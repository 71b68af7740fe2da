import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The comparison's own layout: one column of panels. */
export const compareStyles: CSSResult = css`
  main,
  .stage {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--gap);
  }
  .stage {
    gap: 0.625rem;
  }
  .pair {
    display: grid;
    grid-template-columns: repeat(2, minmax(0, 1fr));
    gap: var(--gap);
    align-items: stretch;
  }
  .keys {
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem 1rem;
    align-items: center;
    margin-top: -0.5rem;
  }
  .keys p {
    margin: 0;
  }
  @media (max-width: 52rem) {
    .pair {
      grid-template-columns: minmax(0, 1fr);
    }
    .keys {
      display: none;
    }
  }
  @media (hover: none) {
    .keys {
      display: none;
    }
  }
`;
