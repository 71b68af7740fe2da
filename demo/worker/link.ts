/** The simulated network in a Worker of the page, where there is no server: the same sessions over ports in place of WebSockets. */
import { LinkSessions } from '../link/link-sessions.ts';
import { PortGateway } from '../link/port-gateway.ts';
import { RealClock } from '../link/real-clock.ts';
import { ErrorBoundary } from '../server/error-boundary.ts';
import { unclampedAlarm } from './unclamped-alarm.ts';

declare const self: DedicatedWorkerGlobalScope;

const boundary = new ErrorBoundary('simulated network');
const clock = new RealClock(boundary, unclampedAlarm());
const sessions = new LinkSessions({ clock, boundary, ports: null });
const gateway = new PortGateway(sessions, boundary);

self.onmessage = ({ data }: MessageEvent<MessagePort>): void => gateway.serve(data);
