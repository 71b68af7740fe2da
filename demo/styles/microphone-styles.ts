import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The controls of a microphone, within the source's panel. Texts that change keep their room. */
export const microphoneStyles: CSSResult = css`
  section {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.5rem;
    padding-top: 0.75rem;
    border-top: 1px solid var(--line);
  }
  .controls {
    display: grid;
    grid-template-columns: minmax(0, 1.2fr) minmax(19rem, 1fr) minmax(0, 1fr);
    gap: 0.5rem 1.75rem;
    align-items: end;
  }
  .gap {
    align-self: stretch;
    display: grid;
    grid-template-rows: auto 1fr;
    margin-top: -0.1875rem;
    font-size: var(--small);
  }
  .gap p {
    align-self: center;
  }
  .gap .number {
    font-size: 1.0625rem;
  }
  .mutes {
    grid-template-columns: 1fr 1fr auto;
  }
  .echo {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 0.5rem 1.75rem;
    align-items: center;
  }
  .measure {
    display: grid;
    grid-template-columns: auto 8rem 6rem;
    gap: 0.25rem 1.25rem;
    align-items: center;
    font-size: var(--small);
    white-space: nowrap;
  }
  .measure button {
    min-width: 8.5rem;
  }
  .said {
    min-height: 1.45em;
  }
  .roomy {
    min-height: 2.9em;
  }
  .said.problem {
    color: var(--alert);
  }
  .said.problem::before {
    content: '✕ ';
  }
  summary {
    width: fit-content;
    min-height: 1.75rem;
    font-size: var(--small);
    cursor: pointer;
  }
  dl {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr));
    gap: 0.625rem 1rem;
    margin: 0.375rem 0 0.5rem;
  }
  dt {
    color: var(--ink-soft);
    font-size: var(--small);
  }
  dd {
    margin: 0;
    white-space: nowrap;
  }
  @media (max-width: 60rem) {
    .controls {
      grid-template-columns: minmax(0, 1fr);
    }
    .echo {
      grid-template-columns: minmax(0, 1fr);
    }
    .gap {
      min-height: 3rem;
    }
    .roomy {
      min-height: 2.9em;
    }
  }
  @media (max-width: 30rem) {
    .choice label {
      padding: 0 0.3rem;
      font-size: 0.875rem;
    }
    .roomy {
      min-height: 4.35em;
    }
    .measure {
      grid-template-columns: 1fr 1fr;
    }
    .measure button {
      grid-column: 1 / -1;
    }
    dl {
      grid-template-columns: repeat(2, minmax(0, 1fr));
    }
  }
`;
