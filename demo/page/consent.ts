import type { IceReport } from 'micwire';
import { count } from './format.ts';

/** RFC 7675 §5.1: after this long without an answer, nothing may be sent. */
const EXPIRY_S = 30;

/** What is known of the other side's consent to receive, on the pair in use. */
export interface Consent {
  /** Checks sent over this pair, those that found it and those for consent. */
  readonly requestsSent: number;
  /** Those for consent alone; null where the browser does not count them apart. */
  readonly consentRequestsSent: number | null;
  readonly responsesReceived: number;
  /** ms since an answer was seen; null before two reports. */
  readonly answerAgeMs: number | null;
}

/** Follows the consent of a call from one report to the next: no browser reports when the last answer came. */
export class ConsentWatch {
  #pairId = '';
  #responses = -1;
  #answeredAtMs: number | null = null;

  /** Takes a report. @returns null while no pair is in use */
  add(atMs: number, { selected }: IceReport): Consent | null {
    if (selected === null) return null;
    const { id, requestsSent, consentRequestsSent, responsesReceived } = selected;
    if (id !== this.#pairId) {
      this.#pairId = id;
      this.#answeredAtMs = null;
    } else if (responsesReceived !== this.#responses) this.#answeredAtMs = atMs;
    this.#responses = responsesReceived;
    const answerAgeMs = this.#answeredAtMs === null ? null : atMs - this.#answeredAtMs;
    return { requestsSent, consentRequestsSent, responsesReceived, answerAgeMs };
  }
}

/** The consent in a sentence or two. */
export function consentWords(consent: Consent): string {
  const { requestsSent, consentRequestsSent, responsesReceived, answerAgeMs } = consent;
  const apart =
    consentRequestsSent === null ? '' : `, ${count(consentRequestsSent)} of them for consent alone`;
  // Firefox counts the answers only.
  const sent =
    requestsSent === 0
      ? 'This browser does not count the checks that it sends on the pair in use'
      : `Checks sent on the pair in use: ${count(requestsSent)}${apart}`;
  const age =
    answerAgeMs === null ? '' : ` The last answer came ${(answerAgeMs / 1000).toFixed(0)} s ago.`;
  return (
    `${sent}; answered: ${count(responsesReceived)}.${age} ` +
    `Each answer is the other side’s consent to receive packets, for ${EXPIRY_S} s at most (RFC 7675).`
  );
}
