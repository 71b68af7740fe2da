import type { CSSResult } from 'lit';
import { css } from 'lit';

/** What all views of the lab share: the name, links to the views, and what they are for. */
export const pageStyles: CSSResult = css`
  :host {
    max-width: 78rem;
    margin: 0 auto;
    padding: 1.5rem clamp(0.75rem, 3vw, 2rem) 3rem;
  }
  header {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    gap: 0.5rem 2rem;
    align-items: center;
    margin-bottom: 1rem;
  }
  header p {
    color: var(--ink-soft);
    font-size: var(--small);
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
  nav {
    display: flex;
    gap: 0.25rem;
    padding: 0.1875rem;
    border: 1px solid var(--line);
    border-radius: calc(var(--radius) + 2px);
    background: var(--sunken);
  }
  nav a {
    display: grid;
    place-items: center;
    min-height: 2.25rem;
    padding: 0 0.875rem;
    border-radius: var(--radius);
    color: var(--ink-soft);
    font-size: 0.9375rem;
    text-decoration: none;
    white-space: nowrap;
  }
  nav a:hover {
    color: var(--ink);
  }
  nav a[aria-current='page'] {
    background: var(--panel);
    color: var(--ink);
    font-weight: 600;
    box-shadow: 0 0 0 1px var(--line-strong);
  }
  .missing {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 1rem;
    align-items: center;
  }
  .serverless {
    margin-bottom: 1rem;
  }
  code {
    white-space: nowrap;
  }
  main.panel {
    display: grid;
    gap: 0.75rem;
  }
  @media (max-width: 60rem) {
    header {
      grid-template-columns: minmax(0, 1fr);
    }
    nav a {
      flex: 1 1 auto;
      padding: 0 0.4rem;
    }
  }
  /* Five views side by side on a phone. */
  @media (max-width: 27rem) {
    nav {
      gap: 0;
    }
    nav a {
      padding: 0 0.2rem;
      font-size: 0.875rem;
    }
  }
`;
