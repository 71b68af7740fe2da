export { NatsServer, hasNatsServer } from '../../scripts/nats-server.mjs';
