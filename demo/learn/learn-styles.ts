import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The view Learn: the list of pages at the left, the page beside it. After `controls`. */
export const learnStyles: CSSResult = css`
  .learn {
    display: grid;
    grid-template-columns: 12.5rem minmax(0, 1fr);
    gap: 2rem;
    align-items: start;
  }
  nav ol {
    position: sticky;
    top: 1rem;
    display: grid;
    gap: 0.125rem;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  nav ol a {
    display: flex;
    gap: 0.65rem;
    align-items: center;
    min-height: 2.75rem;
    padding: 0.25rem 0.75rem 0.25rem 0.5rem;
    border-radius: var(--radius);
    color: var(--ink-soft);
    line-height: 1.25;
    text-decoration: none;
  }
  nav ol a:hover {
    color: var(--ink);
  }
  nav ol a[aria-current='page'] {
    background: var(--panel);
    color: var(--ink);
    font-weight: 600;
    box-shadow: 0 0 0 1px var(--line-strong);
  }
  .step {
    display: grid;
    flex: none;
    place-items: center;
    width: 1.6rem;
    height: 1.6rem;
    border: 1px solid var(--line-strong);
    border-radius: 50%;
    font: 600 var(--small) / 1 var(--mono);
  }
  a[aria-current='page'] .step {
    border-color: var(--in);
    background: var(--in);
    color: var(--on-accent);
  }
  main {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 1.25rem;
  }
  main h2 {
    margin: 0;
    font-size: clamp(1.75rem, 4vw, 2.25rem);
    font-weight: 650;
    letter-spacing: -0.015em;
    line-height: 1.15;
    outline: none;
  }
  main h2.path {
    font: 600 1.125rem/1.4 var(--mono);
    overflow-wrap: anywhere;
  }
  .about {
    max-width: 46rem;
    margin-top: 0.35rem;
    color: var(--ink-soft);
    font-size: 1.125rem;
  }
  .voice {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.75rem;
  }
  .waiting {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 1rem;
    align-items: center;
    min-height: 20rem;
    color: var(--ink-soft);
  }
  main a {
    color: var(--in);
  }
  .sources {
    display: grid;
    grid-template-columns: minmax(0, 1fr) minmax(0, 2fr);
    gap: 1rem 2rem;
  }
  h3 {
    margin: 0 0 0.25rem;
    font-size: 0.9375rem;
    font-weight: 600;
  }
  .sources ul {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .sources li a {
    display: inline-block;
    padding: 0.3rem 0;
    overflow-wrap: anywhere;
  }
  .sources code {
    font: var(--small) / 1.4 var(--mono);
  }
  .turn {
    display: grid;
    grid-template-columns: repeat(2, minmax(0, 1fr));
    gap: 0.75rem;
  }
  .turn a {
    display: grid;
    gap: 0.1rem;
    padding: 0.7rem 1rem;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius);
    color: var(--ink);
    font-weight: 600;
    text-decoration: none;
  }
  .turn a:hover {
    border-color: var(--ink);
  }
  .turn .caption {
    font-weight: 400;
  }
  .turn .after {
    text-align: right;
  }
  pre {
    margin: 0;
    overflow: auto;
    max-height: 80vh;
    font: var(--small) / 1.5 var(--mono);
    tab-size: 2;
  }
  @media (max-width: 60rem) {
    .learn {
      grid-template-columns: minmax(0, 1fr);
      gap: 1.25rem;
    }
    nav ol {
      position: static;
      grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr));
    }
    .sources {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
