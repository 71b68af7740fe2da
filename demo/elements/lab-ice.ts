import type { IceCandidateReport, IcePairReport, IceReport } from 'micwire';
import type { CSSResultGroup, TemplateResult } from 'lit';
import { LitElement, css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { bytes, count, milliseconds } from '../page/format.ts';
import type { ServerAsked } from '../page/ice-errors.ts';
import { iceErrorWords } from '../page/ice-errors.ts';
import { controls } from '../styles/controls.ts';

const TYPES: Readonly<Record<IceCandidateReport['type'], string>> = {
  host: 'host: an address of the machine itself',
  srflx: 'srflx: the address that a STUN server saw',
  prflx: 'prflx: an address that appeared in the other side’s checks',
  relay: 'relay: an address at a TURN server',
};

/** The pairs of addresses that were tried, the one in use first, and all candidates of both sides. */
@customElement('lab-ice')
export class LabIce extends LitElement {
  static override styles: CSSResultGroup = [
    controls,
    css`
      .scroll {
        overflow-x: auto;
      }
      table {
        width: 100%;
        border-collapse: collapse;
        font-size: 0.875rem;
      }
      th,
      td {
        padding: 0.3rem 0.75rem 0.3rem 0;
        border-top: 1px solid var(--line);
        font-weight: 400;
        text-align: left;
        white-space: nowrap;
      }
      thead th {
        border-top: 0;
        color: var(--ink-soft);
        font-size: var(--small);
      }
      .selected {
        font-weight: 600;
      }
      .selected th {
        color: var(--in);
        font-weight: 600;
      }
      .right {
        text-align: right;
      }
      .sides {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: 1rem;
        margin-top: 0.875rem;
      }
      h4 {
        margin: 0 0 0.2rem;
        font-size: 0.875rem;
        font-weight: 600;
      }
      .servers {
        margin-bottom: 0.875rem;
      }
      .error {
        margin: 0.1rem 0 0;
        color: var(--alert);
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        padding: 0.2rem 0;
        overflow-wrap: anywhere;
      }
      @media (max-width: 52rem) {
        .sides {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  @property({ attribute: false }) report: IceReport | null = null;
  /** The STUN and TURN servers that were asked. */
  @property({ attribute: false }) servers: readonly ServerAsked[] = [];

  protected override render(): TemplateResult {
    const { report, servers } = this;
    const asked = servers.length === 0 ? nothing : serverList(servers);
    if (report === null)
      return html`<p class="caption">There are none yet.</p>
        ${asked}`;
    return html`${asked}
      <div class="scroll" tabindex="0" role="region" aria-label="Pairs of candidates">
        <table>
          <thead>
            <tr>
              <th scope="col">Pair</th>
              <th scope="col">This side</th>
              <th scope="col">Other side</th>
              <th scope="col">State</th>
              <th scope="col" class="right">Round trip</th>
              <th scope="col" class="right">Checks</th>
              <th scope="col" class="right">Sent</th>
              <th scope="col" class="right">Received</th>
            </tr>
          </thead>
          <tbody>
            ${report.pairs.map((pair) => pairRow(pair))}
          </tbody>
        </table>
      </div>
      <div class="sides">
        ${side('Candidates of this side', report.local)}
        ${side('Candidates of the other side', report.remote)}
      </div>`;
  }
}

function serverList(servers: readonly ServerAsked[]): TemplateResult {
  return html`<div class="servers">
    <h4>Servers asked</h4>
    <ul>
      ${servers.map(
        ({ url, candidates, errors }) =>
          html`<li>
            <span class="number">${url}</span>
            <span class="caption">${candidateWords(candidates)}</span>
            ${errors.map((error) => {
              const { meaning, cure } = iceErrorWords(error.code);
              return html`<p class="caption error">
                <span aria-hidden="true">▲</span> Error ${error.code}: ${meaning} ${cure}
              </p>`;
            })}
          </li>`,
      )}
    </ul>
  </div>`;
}

function candidateWords(candidates: number | null): string {
  if (candidates === null) return 'this browser does not say which candidates are from it';
  if (candidates === 0) return 'no candidate yet';
  return `${count(candidates)} ${candidates === 1 ? 'candidate' : 'candidates'}`;
}

function pairRow(pair: IcePairReport): TemplateResult {
  const { selected, nominated, local, remote, state, roundTripTime } = pair;
  const trip = roundTripTime === null ? '–' : `${milliseconds(roundTripTime * 1000)} ms`;
  return html`<tr class=${selected ? 'selected' : ''}>
    <th scope="row">${selected ? '● in use' : nominated ? '◐ nominated' : '○'}</th>
    <td>${brief(local)}</td>
    <td>${brief(remote)}</td>
    <td>${state}</td>
    <td class="number right">${trip}</td>
    <td class="number right">${count(pair.responsesReceived)} of ${count(pair.requestsSent)}</td>
    <td class="number right">${bytes(pair.bytesSent)}</td>
    <td class="number right">${bytes(pair.bytesReceived)}</td>
  </tr>`;
}

function side(title: string, candidates: readonly IceCandidateReport[]): TemplateResult {
  return html`<div>
    <h4>${title}</h4>
    <ul>
      ${candidates.map(
        (candidate) =>
          html`<li>
            <span class="number">${addressOf(candidate)}</span>
            <span class="caption">${TYPES[candidate.type]}${fromOf(candidate)}</span>
          </li>`,
      )}
    </ul>
  </div>`;
}

function brief(candidate: IceCandidateReport | null): string {
  return candidate === null ? '–' : `${candidate.type} ${addressOf(candidate)}`;
}

function addressOf({ address, port, protocol }: IceCandidateReport): string {
  const shown = address === '' ? 'hidden' : address.includes(':') ? `[${address}]` : address;
  return `${shown}:${port} ${protocol}`;
}

function fromOf({ url, relayProtocol }: IceCandidateReport): string {
  if (url === '') return '';
  return relayProtocol === '' ? `, by ${url}` : `, by ${url} over ${relayProtocol}`;
}
