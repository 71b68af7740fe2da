/** A worklet's script, or libopus in Base64, as text, for use when its file cannot be fetched. Written by the build. */
declare module '*.inline.js' {
  const script: string;
  export default script;
}
