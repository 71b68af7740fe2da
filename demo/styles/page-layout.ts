import type { CSSResult } from 'lit';
import { css, unsafeCSS } from 'lit';
import { SCOPE_BANDS } from '../scope/scope-layout.ts';

/** The page's own layout: one column of panels, the bank's labels level with the bands of its canvas. */
export const pageStyles: CSSResult = css`
  :host {
    max-width: 74rem;
    margin: 0 auto;
    padding: 1.5rem clamp(0.75rem, 3vw, 2rem) 3rem;
  }
  header {
    display: grid;
    grid-template-columns: auto minmax(0, 44rem);
    gap: 0.5rem 2.5rem;
    align-items: center;
    justify-content: space-between;
    margin-bottom: 1.25rem;
  }
  header p {
    color: var(--ink-soft);
  }
  h1 {
    display: flex;
    gap: 0.6rem;
    align-items: center;
    margin: 0;
    font-size: 1.5rem;
    font-weight: 650;
    letter-spacing: -0.01em;
  }
  h1 span {
    font-weight: 350;
  }
  h1 svg {
    width: 2rem;
    height: 2rem;
    fill: none;
    stroke-width: 3;
    stroke-linecap: round;
  }
  h1 .in {
    stroke: var(--in);
  }
  h1 .out {
    stroke: var(--out);
  }
  h1 .tape {
    stroke: var(--tape);
    stroke-linecap: butt;
    stroke-width: 2.5;
  }
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
  footer {
    max-width: 60rem;
    margin-top: 1.25rem;
  }
  @media (max-width: 52rem) {
    header {
      grid-template-columns: minmax(0, 1fr);
    }
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
