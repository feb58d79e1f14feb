import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** What only a commit's round trip holds: the words of an explicit one, and the prepared statements that are one each. */
const commits = ['commit', 'event-store.append'].map((text) => Buffer.from(text));
const readyForQuery = 'Z'.charCodeAt(0);

/**
 * The network between the service and PostgreSQL, in our hands: it can break all connections, and break one just after a
 * commit has taken place and before its answer arrives, so that the caller cannot know what happened.
 */
export class DatabaseProxy {
  private readonly server: Server;
  private readonly links = new Set<Link>();
  private answersToLose = 0;
  /** Answers to commits that never arrived. */
  lostAnswers = 0;

  private constructor(private readonly target: { host: string; port: number }) {
    this.server = createServer({ noDelay: true }, (client) => this.open(client));
  }

  /** In front of the database of this URL. */
  static async start(databaseUrl: string): Promise<DatabaseProxy> {
    const { hostname, port } = new URL(databaseUrl);
    const proxy = new DatabaseProxy({ host: hostname, port: Number(port) });
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The same database by way of the proxy, for a client that calls itself by this name. */
  url(databaseUrl: string, applicationName: string): string {
    const url = new URL(databaseUrl);
    url.port = String((this.server.address() as AddressInfo).port);
    url.searchParams.set('application_name', applicationName);
    return url.href;
  }

  /** Breaks all connections; how many there were. */
  cut(): number {
    const count = this.links.size;
    for (const link of this.links) link.destroy();
    return count;
  }

  /** The next commits take place, and their callers never hear of it. */
  loseAnswers(count: number): void {
    this.answersToLose = count;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private open(client: Socket): void {
    const link = new Link(client, connect({ ...this.target, noDelay: true }), () => this.takeAnswerToLose());
    this.links.add(link);
    link.onEnd((lost) => {
      this.links.delete(link);
      if (lost) this.lostAnswers += 1;
    });
  }

  private takeAnswerToLose(): boolean {
    if (this.answersToLose === 0) return false;
    this.answersToLose -= 1;
    return true;
  }
}

/** One connection through the proxy. */
class Link {
  /** What the server answered to a commit whose answer is to be lost. */
  private withheld?: Buffer;
  private lost = false;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly isToBeLost: () => boolean,
  ) {
    for (const socket of [client, server]) socket.on('error', () => this.destroy());
    client.on('data', (chunk) => this.fromClient(chunk));
    server.on('data', (chunk) => this.fromServer(chunk));
    client.on('close', () => server.end());
    server.on('close', () => client.end());
  }

  onEnd(ended: (lost: boolean) => void): void {
    this.server.on('close', () => ended(this.lost));
  }

  destroy(): void {
    this.client.destroy();
    this.server.destroy();
  }

  private fromClient(chunk: Buffer): void {
    // One question is under way at a time, so that an answer begins with the next byte of the server.
    if (!this.withheld && commits.some((text) => chunk.includes(text)) && this.isToBeLost()) {
      this.withheld = Buffer.alloc(0);
    }
    this.server.write(chunk);
  }

  private fromServer(chunk: Buffer): void {
    if (!this.withheld) {
      this.client.write(chunk);
      return;
    }
    this.withheld = Buffer.concat([this.withheld, chunk]);
    if (!isWhole(this.withheld)) return;
    this.lost = true;
    this.destroy();
  }
}

/** Whether an answer has come to its end: a message "ready for query" (type byte, length, status). */
function isWhole(answer: Buffer): boolean {
  for (let at = 0; at + 5 <= answer.length; at += 1 + answer.readInt32BE(at + 1)) {
    if (answer[at] === readyForQuery) return true;
  }
  return false;
}
