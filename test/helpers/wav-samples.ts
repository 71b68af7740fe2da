/** The samples of a WAV file of 32-bit floats, interleaved. */
export function wavSamples(file: ArrayBuffer): {
  readonly samples: Float32Array<ArrayBuffer>;
  readonly channels: number;
} {
  const view = new DataView(file);
  let at = 12;
  let channels = 0;
  for (;;) {
    const id = view.getUint32(at);
    const length = view.getUint32(at + 4, true);
    if (id === FMT) channels = view.getUint16(at + 10, true);
    if (id === DATA) {
      return { samples: new Float32Array(file.slice(at + 8, at + 8 + length)), channels };
    }
    at += 8 + length + (length % 2);
  }
}

const FMT = 0x66_6d_74_20;
const DATA = 0x64_61_74_61;
