import { connect, createServer, type Server, type Socket } from 'node:net';

/** The API key of Produce in the header of a request (Kafka protocol guide). */
const produce = 0;

/** A Kafka frame: four bytes of length, then the message. */
const lengthBytes = 4;

/**
 * The network between a producer and the broker, in our hands: the broker stores a batch, and its answer never arrives. Nobody on
 * the producer's side can know whether it was stored. The broker must advertise the proxy's port.
 */
export class BrokerProxy {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private answersToLose = 0;
  /** Answers to batches that never arrived. */
  lostAnswers = 0;

  private constructor(private readonly brokerPort: number) {
    this.server = createServer({ noDelay: true }, (client) => this.open(client));
  }

  static async start(port: number, brokerPort: number): Promise<BrokerProxy> {
    const proxy = new BrokerProxy(brokerPort);
    await new Promise<void>((resolve) => proxy.server.listen(port, '127.0.0.1', resolve));
    return proxy;
  }

  /** Of the next batches. */
  loseAnswers(count: number): void {
    this.answersToLose = count;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private open(client: Socket): void {
    const broker = connect({ host: '127.0.0.1', port: this.brokerPort, noDelay: true });
    const destroy = () => [client, broker].forEach((socket) => socket.destroy());
    for (const socket of [client, broker]) {
      this.sockets.add(socket);
      socket.on('error', destroy);
      socket.on('close', () => {
        this.sockets.delete(socket);
        destroy();
      });
    }
    /** The correlation ids of batches whose answer is to be lost. */
    const toLose = new Set<number>();
    client.on(
      'data',
      inFrames((frame) => {
        if (frame.readInt16BE(0) === produce && this.answersToLose > 0) {
          this.answersToLose -= 1;
          toLose.add(frame.readInt32BE(4));
        }
      }),
    );
    client.on('data', (chunk) => broker.write(chunk));
    let isLost = false;
    broker.on(
      'data',
      inFrames((frame) => {
        if (!toLose.has(frame.readInt32BE(0))) return;
        isLost = true;
        this.lostAnswers += 1;
        destroy();
      }),
    );
    broker.on('data', (chunk) => isLost || client.write(chunk));
  }
}

/** Cuts a stream of bytes into messages. */
function inFrames(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= lengthBytes) {
      const end = lengthBytes + rest.readInt32BE(0);
      if (rest.length < end) return;
      take(rest.subarray(lengthBytes, end));
      rest = rest.subarray(end);
    }
  };
}
