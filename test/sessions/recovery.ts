import type { Service } from '../../src/core/services/service.ts';
import { PACKET_BYTES } from './samples.ts';
import type { World } from './schedule.ts';

/** Frames a second of all streams here: what is tested does not depend on it. */
export const SAMPLE_RATE = 8000;

/** Round trips from an address to a service that is ready: TCP, TLS, HTTP, hello. */
const ROUND_TRIPS = 4;
/** For timers that come late, and pieces that are not quite full. */
const SLACK_MS = 1500;
/** A server acknowledges each so many ms of audio. */
const ACKNOWLEDGE_MS = 100;
/** Bytes of a message beside its audio, and of a chunk in the outbox. */
const HEADER_BYTES = 40;
const CHUNK_BYTES = 128;
/** So much audio may go out at once. */
const BURST_MS = 200;
/** A socket that holds more gets no more. */
const SOCKET_BYTES = 65_536;

/**
 * How long an outage may last when its cause is over: until it is noticed, one attempt that was under way has failed, a delay,
 * one attempt that succeeds; then until all that has waited is sent, which takes its length over (speed − 1).
 * Infinity where it cannot keep up.
 * @param backlogMs audio that waited or was in flight as the cause ended
 */
export function longestOutageMs(world: World, service: Service, backlogMs: number): number {
  const { connectTimeoutMs, readyTimeoutMs, stallMs, maxDelayMs, tokenMs, welcomeMs } = world;
  // Of a service that acknowledges nothing, a dead connection shows only when the system takes no more for it.
  const fullMs = service.acknowledges ? 0 : world.kernelBytes / bytesPerMs(world);
  const halfOpenMs = Math.max(service.keepAliveMs, fullMs) + stallMs;
  const noticedMs = Math.max(connectTimeoutMs, readyTimeoutMs, halfOpenMs);
  const roundTripMs = 2 * world.latencyMs + 1;
  const connectedMs = maxDelayMs + tokenMs + ROUND_TRIPS * roundTripMs + welcomeMs;
  const clearedMs = ((SOCKET_BYTES + world.kernelBytes) / world.upBytesPerSecond) * 1000;
  const speed = replaySpeedOf(world);
  if (speed <= 1) return Infinity;
  const offlineMs = noticedMs + connectedMs + clearedMs + SLACK_MS;
  return offlineMs + (backlogMs + offlineMs) / (speed - 1);
}

/** How fast a backlog goes out: as fast as the service takes it, the link carries it, and acknowledgements come. */
export function replaySpeedOf(world: World): number {
  const { chunkMs, latencyMs, maxOutboxMs, maxOutboxBytes, storeMs } = world;
  const link = world.upBytesPerSecond / 1000 / (bytesPerMs(world) + HEADER_BYTES / chunkMs);
  const paced = pacedSpeedOf(world);
  if (world.service === 'silent') return Math.min(paced, link);
  // Half of the outbox may be in flight.
  const heldMs =
    Math.min(maxOutboxMs, maxOutboxBytes / (bytesPerMs(world) + CHUNK_BYTES / chunkMs)) / 2;
  const window = heldMs / (2 * latencyMs + ACKNOWLEDGE_MS + storeMs + chunkMs);
  return Math.min(paced, link, window);
}

/**
 * How fast the pacer lets audio out. A timer that comes late costs what the pacer had no room for meanwhile: it sends as many
 * whole chunks as a burst holds, or one that is longer.
 */
function pacedSpeedOf({ replaySpeed, chunkMs, timerLateMs }: World): number {
  const lateMs = Math.max(0, timerLateMs);
  const lostMs = Math.max(0, (chunkMs - BURST_MS) / replaySpeed + lateMs);
  const sentMs = Math.max(1, Math.floor(BURST_MS / chunkMs)) * chunkMs;
  return sentMs / (sentMs / replaySpeed + Math.min(lateMs, lostMs));
}

function bytesPerMs({ format, chunkMs }: World): number {
  if (format === 'opus') return PACKET_BYTES / chunkMs;
  return ((format === 's16' ? 2 : 1) * SAMPLE_RATE) / 1000;
}
