import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The page about tools. After `learnPageStyles`. */
export const toolsStyles: CSSResult = css`
  .steps {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 1.5rem;
    margin: 0;
    padding: 0;
    counter-reset: step;
    list-style: none;
  }
  .steps > li {
    position: relative;
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.6rem;
    padding-left: 2.5rem;
    counter-increment: step;
  }
  .steps > li::before {
    position: absolute;
    left: 0;
    display: grid;
    place-items: center;
    width: 1.6rem;
    height: 1.6rem;
    border: 1px solid var(--line-strong);
    border-radius: 50%;
    content: counter(step);
    font: 600 var(--small) / 1 var(--mono);
  }
  h5 {
    margin: 0;
    font: 600 var(--small) / 1.4 var(--mono);
  }
  .acts {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
  }
  .empty {
    padding: 1rem;
    border: 1px dashed var(--line-strong);
    border-radius: var(--radius);
    color: var(--ink-soft);
  }
  .packets {
    position: relative;
    max-height: 36rem;
    margin: 0;
    padding: 0.25rem;
    border-radius: var(--radius);
    background: var(--sunken);
    overflow-y: auto;
    list-style: none;
  }
  .packets button {
    display: grid;
    grid-template-columns: 3.5ch 9ch 8ch 4.5ch minmax(0, 1fr);
    gap: 0 0.9rem;
    align-items: center;
    width: 100%;
    padding: 0.2rem 0.5rem;
    border-color: transparent;
    border-radius: 3px;
    font: var(--small) / 1.35 var(--mono);
    font-variant-numeric: tabular-nums;
    text-align: left;
  }
  .packets button[aria-expanded='true'] {
    background: var(--in);
    color: var(--on-accent);
  }
  .packets b {
    font-weight: 600;
  }
  .no,
  .length {
    text-align: right;
  }
  .info {
    overflow-wrap: anywhere;
  }
  .way {
    display: none;
  }
  .details {
    display: grid;
    gap: 0.35rem;
    margin: 0;
    padding: 0.75rem 0.75rem 1rem 1rem;
  }
  .details > div {
    display: grid;
    grid-template-columns: 12rem minmax(0, 1fr);
    gap: 0 1rem;
  }
  .details dt {
    font-size: var(--small);
    font-weight: 600;
  }
  .details dd {
    display: grid;
    margin: 0;
  }
  .details code {
    overflow-wrap: anywhere;
  }
  .holds,
  .ends {
    display: grid;
    grid-template-columns: repeat(2, minmax(0, 1fr));
    gap: 1rem 2rem;
  }
  .holds ul {
    display: grid;
    gap: 0.35rem;
    margin: 0.4rem 0 0;
    padding-left: 1.1rem;
  }
  .events {
    margin: 0.4rem 0 0;
    padding: 0.5rem 0.75rem 0.5rem 2.5rem;
    border-radius: var(--radius);
    background: var(--sunken);
    font: var(--small) / 1.5 var(--mono);
    overflow-wrap: anywhere;
  }
  .address {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 1rem;
    align-items: center;
  }
  .address code {
    padding: 0.6rem 0.875rem;
    border-radius: var(--radius);
    background: var(--sunken);
    overflow-wrap: anywhere;
    user-select: all;
  }
  @media (max-width: 60rem) {
    .holds {
      grid-template-columns: minmax(0, 1fr);
    }
  }
  @media (max-width: 44rem) {
    .steps > li {
      padding: 0;
    }
    .steps h4 {
      min-height: 1.6rem;
      padding-left: 2.2rem;
      line-height: 1.6rem;
    }
    .packets button {
      grid-template-columns: 3.5ch minmax(0, 1fr) 7ch 4.5ch;
      gap: 0 0.6rem;
    }
    .info {
      grid-column: 1 / -1;
    }
    .details > div {
      grid-template-columns: minmax(0, 1fr);
    }
    .details > div + div {
      padding-top: 0.35rem;
      border-top: 1px solid var(--line);
    }
    .ends {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
