/** Lets the browser save a file. */
export function saveFile(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  // Not at once: some browsers begin to read it only in a later task.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** The time of now for the name of a file: without colons, which some systems do not allow there. */
export function timeName(iso: string = new Date().toISOString()): string {
  return iso.slice(0, 19).replaceAll(':', '-');
}
