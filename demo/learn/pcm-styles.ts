import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The page about PCM. After `learnPageStyles`. */
export const pcmStyles: CSSResult = css`
  figure {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.5rem;
    margin: 0;
  }
  .wave {
    display: block;
    width: 100%;
    height: 12rem;
    border-radius: 4px;
    background: var(--sunken);
  }
  .wave.low {
    height: 4.5rem;
  }
  .wave path {
    fill: none;
    vector-effect: non-scaling-stroke;
  }
  path.zero {
    stroke: var(--line-strong);
    stroke-width: 1;
    stroke-dasharray: 2 4;
  }
  path.original {
    stroke: var(--tape);
    stroke-width: 1.25;
  }
  path.coded {
    stroke: var(--in);
    stroke-width: 2;
  }
  path.noise {
    stroke: var(--out);
    stroke-width: 1.5;
  }
  rect.window {
    fill: var(--in-soft);
    fill-opacity: 0.45;
  }
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem 1.25rem;
  }
  .legend i {
    display: inline-block;
    width: 1.25rem;
    height: 0;
    margin-right: 0.4rem;
    border-top: 2px solid var(--tape);
    vertical-align: 0.25em;
  }
  .legend i.coded {
    border-top: 3px solid var(--in);
  }
  .legend i.noise {
    border-color: var(--out);
  }
  .legend i.window {
    height: 0.75rem;
    border: 0;
    background: var(--in-soft);
    vertical-align: -0.05em;
  }
  .row {
    display: grid;
    grid-template-columns: 10rem minmax(0, 1fr);
    gap: 0.35rem 1rem;
    align-items: center;
  }
  .row h4 {
    color: var(--ink-soft);
    font-weight: 400;
    font-size: var(--small);
  }
  .reading {
    min-height: 1.5em;
    font-size: 1.0625rem;
  }
  .reading b {
    font-family: var(--mono);
    color: var(--in);
  }
  .pair {
    display: grid;
    grid-template-columns: repeat(2, minmax(0, 1fr));
    gap: 1.25rem;
    align-items: start;
  }
  .bits {
    display: grid;
    gap: 0.5rem;
    margin: 0;
  }
  .bits div {
    display: grid;
    grid-template-columns: 8rem minmax(0, 1fr);
    gap: 0.25rem 0.75rem;
  }
  .bits code {
    color: var(--in);
    font-weight: 600;
  }
  .bits dd {
    margin: 0;
  }
  .payload {
    padding: 0.5rem 0.75rem;
    border-radius: 4px;
    background: var(--sunken);
    font-size: var(--small);
    line-height: 1.6;
    overflow-wrap: anywhere;
  }
  .elements {
    max-height: 18rem;
    margin: 0;
    padding: 0.5rem 0.75rem;
    border-radius: 4px;
    background: var(--sunken);
    overflow: auto;
    font-size: 0.875rem;
    list-style: none;
  }
  .elements li {
    padding: 0.1rem 0;
  }
  .elements strong {
    font: 600 var(--small) / 1.4 var(--mono);
  }
  @media (max-width: 52rem) {
    .pair,
    .row {
      grid-template-columns: minmax(0, 1fr);
    }
    .wave {
      height: 9rem;
    }
    .wide {
      display: none;
    }
  }
`;
