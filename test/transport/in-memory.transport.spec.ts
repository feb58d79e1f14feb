import { InMemoryTransport } from '../../src/transport';
import { transportContract } from './contract';

transportContract('the transport in memory', () => {
  const wire = new InMemoryTransport();
  return Promise.resolve({ connect: () => wire, close: () => wire.close() });
});
