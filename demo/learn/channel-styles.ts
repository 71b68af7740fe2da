import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The page about data channels. After `learnPageStyles`. */
export const channelStyles: CSSResult = css`
  .pair {
    display: grid;
    grid-template-columns: repeat(2, minmax(0, 1fr));
    gap: 1.25rem;
    align-items: start;
  }
  .channel {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.5rem;
  }
  .chart {
    display: block;
    width: 100%;
    height: auto;
    border-radius: 4px;
    background: var(--sunken);
  }
  .chart.alone {
    max-width: 40rem;
  }
  .channel > .caption {
    min-height: 3em;
  }
  .controls > .wide {
    flex-basis: 22rem;
  }
  .chart text {
    fill: var(--ink-soft);
    font: 12px var(--font);
  }
  .grid {
    stroke: var(--line-strong);
    stroke-width: 1;
    stroke-dasharray: 2 4;
  }
  .dot {
    fill: var(--in);
  }
  .cross {
    fill: none;
    stroke: var(--alert);
    stroke-width: 2;
  }
  .buffered,
  .received {
    fill: none;
    stroke: var(--in);
    stroke-width: 2;
  }
  .received {
    stroke: var(--out);
    stroke-dasharray: 6 3;
  }
  .low {
    stroke: var(--tape);
    stroke-width: 1.5;
  }
  .event {
    fill: var(--tape);
  }
  .buttons {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
  }
  .error {
    color: var(--alert);
  }
  .big {
    font-size: 1.25rem;
  }
  .figures > div {
    min-width: 5rem;
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
    margin-right: 0.35rem;
    vertical-align: -0.05rem;
  }
  .check {
    display: flex;
    gap: 0.5rem;
    align-items: center;
    min-height: 2.75rem;
  }
  .detail {
    display: grid;
    gap: 0.35rem;
    min-height: 6rem;
    padding-left: 0.875rem;
    border-left: 3px solid var(--in);
    align-content: start;
  }
  @media (max-width: 52rem) {
    .pair {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
