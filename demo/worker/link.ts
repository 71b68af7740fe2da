/**
 * The Worker that receives the page's own messages where there is no server: the simulated network, sessions on wires, and an echo. The
 * same as at the server, over ports in place of WebSockets.
 */
import { LinkSessions } from '../link/link-sessions.ts';
import { PortGateway } from '../link/port-gateway.ts';
import { RealClock } from '../link/real-clock.ts';
import { ErrorBoundary } from '../server/error-boundary.ts';
import { WIRE_TICK_MS, WireSessions } from '../server/wire-sessions.ts';
import { unclampedAlarm } from './unclamped-alarm.ts';

declare const self: DedicatedWorkerGlobalScope;

const boundary = new ErrorBoundary('simulated network');
const clock = new RealClock(boundary, unclampedAlarm());
const sessions = new LinkSessions({ clock, boundary, ports: null });
const wires = new WireSessions(boundary);
setInterval(() => wires.tick(), WIRE_TICK_MS);
const gateway = new PortGateway(sessions, wires, boundary);

self.onmessage = ({ data }: MessageEvent<MessagePort>): void => gateway.serve(data);
