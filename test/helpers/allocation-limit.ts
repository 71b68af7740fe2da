/** Bytes per `process()` call. */
export interface AllocationResult {
  /** Growth of the JavaScript heap. */
  readonly heapBytes: number;
  /** Growth of the memory that array buffers hold outside of it. */
  readonly bufferBytes: number;
}

/** The gate. The smallest object there is costs 16 bytes: one in 320 calls, which is one in 0.85 s, is too many. */
export const MAX_BYTES_PER_CALL = 0.05;
