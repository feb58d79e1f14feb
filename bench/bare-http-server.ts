import fastify from 'fastify';

/** A process that answers every authorized request at once with an answer of the usual size: what an exchange over HTTP costs by itself. */
async function main(): Promise<void> {
  const server = fastify();
  const standing = {
    subscription_id: '0b9f7a44-5b0e-8c11-9d3e-5f0c7d2a1b33.1',
    status: 'active',
    end_date: '2027-05-21',
    version: 1,
    position: '00000001-0000000000000001-0000000000000001',
  };
  server.post('/authorizations', (_request, reply) => reply.status(201).send(standing));
  process.send!(await server.listen({ host: '127.0.0.1', port: 0 }));
  process.on('disconnect', () => process.exit());
}

void main();
