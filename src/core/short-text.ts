/** A part of the text in an explanation: never long. @internal */
export function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
