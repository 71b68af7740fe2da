import type { TemplateResult } from 'lit';
import { html } from 'lit';
import { hex } from '../page/format.ts';

/** Where a field lies in its message, in bytes. */
interface Place {
  readonly offset: number;
  readonly length: number;
}

/** The bytes in hexadecimal, those of a field marked. */
export function hexDump(bytes: Uint8Array, field: Place | null): TemplateResult {
  if (field === null) return html`${hex(bytes)}`;
  const end = field.offset + field.length;
  return html`${hex(bytes.subarray(0, field.offset))}
    <mark>${hex(bytes.subarray(field.offset, end))}</mark> ${hex(bytes.subarray(end))}`;
}
