import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The page about ICE. After `learnPageStyles`. */
export const iceStyles: CSSResult = css`
  .own {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr));
    gap: 0.75rem;
    padding-top: 0.5rem;
  }
  summary {
    min-height: 2.75rem;
    padding: 0.6rem 0;
    cursor: pointer;
  }
  .servers,
  .pairs {
    display: grid;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .servers > li {
    display: grid;
    grid-template-columns: minmax(0, 15rem) minmax(0, 1fr);
    gap: 0.25rem 1.25rem;
    padding: 0.6rem 0;
    border-top: 1px solid var(--line);
  }
  .servers > li:first-child,
  .pairs > li:first-child {
    border-top: 0;
  }
  .servers code {
    display: block;
    color: var(--ink-soft);
    overflow-wrap: anywhere;
  }
  .found {
    display: flex;
    flex-wrap: wrap;
    gap: 0.375rem;
  }
  .found button {
    padding: 0.3rem 0.6rem;
    border-color: var(--line);
    background: var(--sunken);
    font: var(--small) / 1.3 var(--mono);
    text-align: left;
    overflow-wrap: anywhere;
  }
  .found button[aria-pressed='true'],
  .fields button[aria-pressed='true'],
  .pairs button[aria-pressed='true'] {
    border-color: var(--in);
    background: var(--in);
    color: var(--on-accent);
  }
  .error {
    color: var(--alert);
  }
  .line {
    padding: 0.5rem 0.75rem;
    border-radius: 4px;
    background: var(--sunken);
    font: var(--small) / 1.7 var(--mono);
    overflow-wrap: anywhere;
  }
  .line mark {
    background: var(--in);
    color: var(--on-accent);
  }
  .fields {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr));
    gap: 0.25rem;
  }
  .fields button {
    display: grid;
    padding: 0.35rem 0.75rem;
    border-color: var(--line);
    background: var(--sunken);
    font-size: var(--small);
    text-align: left;
  }
  .fields code {
    font-size: 0.9375rem;
    overflow-wrap: anywhere;
  }
  .detail {
    display: grid;
    gap: 0.35rem;
    min-height: 7.5rem;
    padding-left: 0.875rem;
    border-left: 3px solid var(--in);
    align-content: start;
  }
  .sum {
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem 0.6rem;
    align-items: end;
    margin: 0;
    font: 600 1.0625rem/1.3 var(--mono);
  }
  .sum span span {
    display: block;
    color: var(--ink-soft);
    font: var(--small) / 1.3 var(--font);
  }
  .buttons {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
  }
  .pairs > li {
    border-top: 1px solid var(--line);
  }
  .pairs button {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 0.2rem 1rem;
    width: 100%;
    padding: 0.4rem 0.5rem 0.55rem;
    border-color: transparent;
    border-radius: 4px;
    font-size: var(--small);
    text-align: left;
  }
  .pairs button:hover {
    border-color: var(--line-strong);
  }
  .ends {
    font-family: var(--mono);
    overflow-wrap: anywhere;
  }
  .track {
    position: relative;
    grid-column: 1 / -1;
    height: 1rem;
    border-radius: 3px;
    background: var(--sunken);
    overflow: hidden;
    forced-color-adjust: none;
  }
  .span {
    position: absolute;
    bottom: 0;
    min-width: 2px;
  }
  .waiting {
    height: 2px;
    background: var(--line-strong);
  }
  .progress {
    height: 0.5rem;
    background: repeating-linear-gradient(135deg, var(--tape) 0 3px, transparent 3px 6px);
  }
  .failed {
    height: 0.5rem;
    background: var(--alert);
  }
  .succeeded {
    height: 0.6rem;
    background: var(--in);
  }
  .selected {
    height: 1rem;
    background: var(--out);
  }
  .axis,
  .legend {
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem 1.25rem;
    justify-content: space-between;
  }
  .axis {
    padding: 0 0.5rem;
  }
  .legend {
    justify-content: start;
  }
  .legend i {
    position: relative;
    display: inline-block;
    width: 1.25rem;
    margin-right: 0.35rem;
    vertical-align: -0.1em;
    forced-color-adjust: none;
  }
  .history {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .history b {
    display: inline-block;
    min-width: 5.5rem;
    font-family: var(--mono);
  }
  @media (max-width: 52rem) {
    .servers > li {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
