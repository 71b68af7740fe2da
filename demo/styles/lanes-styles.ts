import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The table of lanes: on a phone each line becomes a block of its own, its figures below each other's. */
export const lanesStyles: CSSResult = css`
  :host {
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--panel);
  }
  table {
    width: 100%;
    border-collapse: collapse;
    table-layout: fixed;
  }
  th {
    font-weight: 400;
    text-align: left;
  }
  thead th {
    padding: 0.5rem 0.5rem 0.4rem;
    color: var(--ink-soft);
    font-size: var(--small);
    line-height: 1.3;
    vertical-align: bottom;
  }
  tbody td,
  tbody th {
    padding: 0.4rem 0.5rem;
    border-top: 1px solid var(--line);
    vertical-align: middle;
  }
  .unit {
    color: var(--ink-soft);
    white-space: nowrap;
  }
  .below {
    display: block;
  }
  .run input {
    display: block;
  }
  .run {
    width: 2.25rem;
    padding-right: 0;
  }
  .hear {
    width: 3.5rem;
  }
  .sound {
    width: 11.5rem;
  }
  .figure,
  thead .figure {
    width: 5.625rem;
    padding-right: 0.375rem;
    padding-left: 0.25rem;
    text-align: right;
  }
  .chart {
    width: 10rem;
  }
  .more {
    width: 3.25rem;
    padding-left: 0;
  }
  .key {
    width: 2.5rem;
    padding: 0;
    font-family: var(--mono);
    font-weight: 600;
  }
  .more button {
    width: 2.25rem;
    padding: 0;
    border-color: transparent;
  }
  .more button:hover,
  .more button[aria-expanded='true'] {
    border-color: var(--line-strong);
  }
  .name {
    display: flex;
    gap: 0.45rem;
    align-items: center;
    font-weight: 600;
    line-height: 1.25;
  }
  .lane-mark {
    flex: none;
  }
  .lane .caption {
    display: block;
    line-height: 1.35;
  }
  .reason {
    color: var(--alert);
  }
  tbody .figure .number {
    display: block;
    font-size: 1.0625rem;
    line-height: 1.25;
  }
  tbody .figure .below {
    color: var(--ink-soft);
    font-size: var(--small);
  }
  .quiet .name,
  .quiet .figure {
    color: var(--ink-soft);
  }
  .details td {
    padding: 0;
    border-top: 0;
  }
  .tools {
    display: grid;
    grid-template-columns: 13rem minmax(0, 1fr);
    gap: 0.5rem 1.25rem;
    align-items: end;
    padding: 0.75rem 0.75rem 0.625rem;
    border-bottom: 1px solid var(--line);
  }
  .tools .caption {
    align-self: center;
    min-height: 2.7em;
  }
  .plain {
    min-height: 1.75rem;
    padding: 0 0.5rem;
    font-size: var(--small);
  }
  .sort {
    display: flex;
    gap: 0.3rem;
    align-items: center;
    min-height: 1.75rem;
    margin-left: auto;
    margin-right: -0.25rem;
    padding: 0 0.25rem;
    border-color: transparent;
    font-size: var(--small);
  }
  [aria-sort='ascending'] .sort,
  [aria-sort='descending'] .sort {
    border-color: var(--line-strong);
    color: var(--ink);
    font-weight: 600;
  }
  .best {
    color: var(--in);
  }
  tbody .figure .difference {
    min-height: 1.25em;
    color: var(--ink-soft);
    font-size: var(--small);
  }
  .others {
    padding: 0 0.75rem;
    border-top: 1px solid var(--line);
  }
  .others summary {
    min-height: 2.75rem;
    line-height: 2.75rem;
    font-weight: 600;
    cursor: pointer;
  }
  .others ul {
    margin: 0;
    padding: 0 0 0.5rem;
    list-style: none;
  }
  .others label {
    display: grid;
    grid-template-columns: 1.5rem 14rem minmax(0, 1fr);
    gap: 0 0.5rem;
    align-items: center;
    min-height: 2.75rem;
    cursor: pointer;
  }
  @media (hover: none) {
    .sort,
    .plain {
      min-height: 2.75rem;
    }
  }
  @media (max-width: 66rem) {
    .chart,
    .source .none {
      display: none;
    }
    .sound {
      width: 11rem;
    }
  }
  @media (max-width: 52rem) {
    table,
    thead,
    tbody {
      display: block;
    }
    thead {
      position: sticky;
      top: 0;
      z-index: 1;
      border-bottom: 1px solid var(--line);
      border-radius: var(--radius) var(--radius) 0 0;
      background: var(--panel);
    }
    tr {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      padding: 0.5rem 0.625rem;
    }
    thead tr {
      align-items: end;
      padding: 0 0.625rem;
    }
    thead th:not(.figure) {
      display: none;
    }
    tbody tr + tr:not(.details) {
      border-top: 1px solid var(--line);
    }
    tbody td,
    tbody th {
      padding: 0.15rem 0;
      border: 0;
    }
    tbody .run {
      flex: 0 0 1.75rem;
    }
    tbody .hear {
      flex: 0 0 3.25rem;
    }
    tbody .lane {
      flex: 1 1 calc(100% - 7.5rem);
      min-width: 0;
    }
    tbody .more {
      flex: 0 0 2.25rem;
      order: 1;
    }
    tbody .sound {
      flex: 1 1 58%;
      order: 2;
      min-width: 0;
    }
    tbody .chart {
      display: block;
      flex: 1 1 36%;
      order: 3;
      min-width: 0;
      padding-left: 0.75rem;
    }
    thead .figure,
    tbody .figure {
      flex: 0 0 25%;
      order: 4;
      width: auto;
      min-width: 0;
      padding: 0.25rem 0.25rem 0.25rem 0;
      text-align: left;
    }
    thead .figure {
      overflow-wrap: anywhere;
    }
    .sort {
      margin-left: -0.25rem;
    }
    .tools {
      grid-template-columns: minmax(0, 1fr);
    }
    .others label {
      grid-template-columns: 1.5rem minmax(0, 1fr);
    }
    .others label .caption {
      grid-column: 2;
    }
    .details {
      padding: 0;
    }
    .details td {
      flex: 1 1 100%;
      min-width: 0;
    }
  }
`;
