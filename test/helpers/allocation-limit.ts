/** Bytes per `process()` call. */
export interface AllocationResult {
  /** Growth of the JavaScript heap. */
  readonly heapBytes: number;
  /** Growth of the memory that array buffers hold outside of it. */
  readonly bufferBytes: number;
}

/**
 * The gate. Reading the heap's size costs the runs some 200 bytes in all, 0.01 per call; the smallest object there is
 * costs 16 in each call.
 */
export const MAX_BYTES_PER_CALL = 0.05;
