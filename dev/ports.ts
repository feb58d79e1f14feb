import { createServer } from 'node:net';
import { Problem } from './problem';

/** @throws Problem naming the port and the variable that moves it */
export async function requireFreePort(port: number, variable: string, purpose: string): Promise<void> {
  if (await isFree(port)) return;
  throw new Problem(
    `Port ${port}, wanted for ${purpose}, is in use by another program: end that program, or set ${variable} to a free port.`,
  );
}

/** The number in a variable, or its default. */
export function portFrom(variable: string, fallback: number): number {
  const text = process.env[variable];
  if (!text) return fallback;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65536) return port;
  throw new Problem(`${variable} must be a port number between 1 and 65535.`);
}

const isFree = (port: number) =>
  new Promise<boolean>((answer) => {
    const probe = createServer();
    probe.once('error', () => answer(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => answer(true)));
  });

/**
 * A port on which `count` neighbours are free. Looked for outside the range from which the system hands out ports to
 * outgoing connections, so that none of those takes it before the server does.
 */
export async function freePort(count = 1): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const first = 20_000 + Math.floor(Math.random() * 12_000);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first;
  }
  throw new Problem('No free port was found between 20000 and 32000.');
}
