/**
 * Connections whose output is to be written once all that the system has for us now has been read:
 * ten endpoints that answer ten streams of one client make one write of it, and not ten.
 */
export interface Flushable {
  flushNow(): void;
}

let waiting: Flushable[] = [];

export function flushSoon(connection: Flushable): void {
  if (waiting.length === 0) setImmediate(flushAll);
  waiting.push(connection);
}

function flushAll(): void {
  const ready = waiting;
  waiting = [];
  for (const connection of ready) connection.flushNow();
}
