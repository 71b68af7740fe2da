import type { ResamplerKernel, ResamplerPlan } from './resampler-plan.ts';
import { WasmKernel, WasmResamplers } from './resampler-wasm-kernel.ts';

/** Number of streams that share one instance. */
const SEATS = 16;

/** An instance and its free seats. */
interface Room {
  readonly resamplers: WasmResamplers;
  readonly free: number[];
}

/** Rooms with at least one stream, by plan and channels. */
const rooms = new WeakMap<ResamplerPlan, Map<number, Set<Room>>>();

/** Frees the seat of a kernel that was garbage-collected without `release()`. */
const collected = new FinalizationRegistry<() => void>((leave) => leave());

/**
 * Creates a kernel in an instance that it shares with others of the same plan in this scope: a server's hundreds of streams take
 * a tenth of the memory, and the tables that they share stay in the processor's cache. Undefined if WebAssembly cannot run here.
 */
export function sharedKernel(plan: ResamplerPlan, channels: number): ResamplerKernel | undefined {
  let byChannels = rooms.get(plan);
  if (byChannels === undefined) rooms.set(plan, (byChannels = new Map()));
  let open = byChannels.get(channels);
  if (open === undefined) byChannels.set(channels, (open = new Set()));
  const room = [...open].find(({ free }) => free.length > 0) ?? openRoom(plan, channels, open);
  if (room === undefined) return undefined;
  const seat = room.free.pop()!;
  let sits = true;
  const leave = (): void => {
    if (!sits) return;
    sits = false;
    room.free.push(seat);
    if (room.free.length < SEATS) return;
    open.delete(room);
    room.resamplers.release();
  };
  const kernel = new WasmKernel(room.resamplers, seat, leave);
  // The seat's last stream has left its state there.
  kernel.reset();
  collected.register(kernel, leave);
  return kernel;
}

function openRoom(plan: ResamplerPlan, channels: number, open: Set<Room>): Room | undefined {
  const resamplers = WasmResamplers.create(plan, channels, SEATS);
  if (resamplers === undefined) return undefined;
  const room = { resamplers, free: Array.from({ length: SEATS }, (_, seat) => seat) };
  open.add(room);
  return room;
}
