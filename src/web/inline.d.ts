/** A worklet's script, or libopus in Base64, as text, for the case that its file cannot be fetched. Written by the build. */
declare module '*.inline.js' {
  const script: string;
  export default script;
}
