/** Shortens a text for an explanation to 80 characters. @internal */
export function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
