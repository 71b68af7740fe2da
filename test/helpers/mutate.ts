/** Pieces that parsers trip over, put into text at random places. */
const JSON_SPLINTERS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ':',
  ',',
  '-',
  '1e999',
  'null',
  '\u0000',
  '\ud800',
];

/** A text with a few characters added, taken out or replaced, and at times cut short. */
export function mutateText(text: string, random: () => number): string {
  let result = text;
  const edits = 1 + Math.floor(random() * 4);
  for (let i = 0; i < edits; i++) {
    const at = Math.floor(random() * (result.length + 1));
    const splinter =
      random() < 0.5
        ? JSON_SPLINTERS[Math.floor(random() * JSON_SPLINTERS.length)]!
        : String.fromCharCode(32 + Math.floor(random() * 95));
    result = result.slice(0, at) + splinter + result.slice(at + Math.floor(random() * 3));
  }
  return random() < 0.2 ? result.slice(0, Math.floor(random() * result.length)) : result;
}

/** Bytes of which up to five were replaced, at times more or fewer than there were. */
export function mutateBytes(bytes: Uint8Array, random: () => number): Uint8Array<ArrayBuffer> {
  const length = random() < 0.3 ? Math.floor(random() * (bytes.length + 20)) : bytes.length;
  const result = new Uint8Array(length);
  result.set(bytes.subarray(0, length));
  const edits = Math.floor(random() * 6);
  // Half of the edits fall on the header, where they matter.
  for (let i = 0; i < edits && length > 0; i++) {
    const range = random() < 0.5 ? Math.min(length, 24) : length;
    result[Math.floor(random() * range)] = random() * 256;
  }
  return result;
}
