import type { CSSResult } from 'lit';
import { css, unsafeCSS } from 'lit';
import { SCOPE_BANDS } from '../scope/scope-layout.ts';

/** The single lane's own layout: one column of panels, the bank's labels level with the bands of its canvas. */
export const singleStyles: CSSResult = css`
  main {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: var(--gap);
  }
  .bank {
    display: grid;
    grid-template:
      'in scope' ${unsafeCSS(SCOPE_BANDS.wave)}px
      'wire scope' ${unsafeCSS(SCOPE_BANDS.tape)}px
      'out scope' ${unsafeCSS(SCOPE_BANDS.wave)}px
      '. scope' ${unsafeCSS(SCOPE_BANDS.axis + 2)}px
      '. legend' auto / 8rem minmax(0, 1fr);
  }
  .bank > * {
    align-self: center;
  }
  .bank lab-scope {
    grid-area: scope;
    align-self: stretch;
  }
  .input {
    --accent: var(--in);
    grid-area: in;
  }
  .output {
    --accent: var(--out);
    grid-area: out;
  }
  .wire {
    grid-area: wire;
  }
  .wire .name {
    font-size: var(--small);
    font-weight: 600;
  }
  .legend {
    grid-area: legend;
    display: flex;
    flex-wrap: wrap;
    gap: 0.1rem 1.1rem;
    margin-top: 0.4rem;
  }
  .legend > span {
    white-space: nowrap;
  }
  .legend svg {
    width: 0.625rem;
    height: 0.625rem;
    margin-right: 0.3rem;
  }
  .legend .dropped {
    stroke: var(--alert);
    stroke-width: 1.5;
  }
  .columns {
    display: grid;
    grid-template-columns: minmax(17rem, 21rem) minmax(0, 1fr);
    gap: var(--gap);
    align-items: stretch;
  }
  .notes {
    max-width: 60rem;
    margin-top: 1.25rem;
  }
  @media (max-width: 52rem) {
    .bank {
      grid-template:
        'in out' auto
        'scope scope' auto
        'legend legend' auto / 1fr 1fr;
      gap: 0.5rem;
    }
    .wire {
      display: none;
    }
    .columns {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
