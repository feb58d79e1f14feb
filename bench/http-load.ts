import { Pool } from 'undici';
import { LogCheck } from '../test/event-store/log-check';
import { closedLoop } from './closed-loop';
import type { HttpLoadAnswer, HttpLoadOrder } from './http-load-process';
import { type Agreement, authorizationIdOf, Marks, PersonLife, terms } from './person-life';

/** The process that plays the Authorization Servers, so that asking and answering do not share one event loop. */
function main(): void {
  const [url, token, connections, firstMark] = process.argv.slice(2);
  const count = Number(connections);
  const pool = new Pool(url!, { connections: count, pipelining: 1 });
  const marks = new Marks(new LogCheck(), Number(firstMark));
  // Half of the requests are of new persons.
  const lives = Array.from({ length: count }, () => new PersonLife(marks, 2));
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };

  const handIn = async (agreement: Agreement): Promise<boolean> => {
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: '/authorizations',
      headers,
      body: JSON.stringify({
        authorization_id: authorizationIdOf(agreement.mark),
        client_id: terms.clientId,
        scope: `subscribe~${agreement.days}/${terms.provider}~${terms.serviceId}`,
        subject: agreement.subject,
        authorized_at: new Date().toISOString(),
      }),
    });
    const text = await body.text();
    if (statusCode !== 201) throw new Error(`Answered ${statusCode}: ${text}`);
    return true;
  };

  process.on('message', (order: HttpLoadOrder) => {
    const committed: number[] = [];
    closedLoop(count, order.seconds, async (caller) => {
      const agreement = lives[caller]!.next();
      if (await handIn(agreement)) committed.push(agreement.mark);
    }).then(
      (load) => process.send!({ load, committed } satisfies HttpLoadAnswer),
      (error: Error) => process.send!({ error: String(error.stack) } satisfies HttpLoadAnswer),
    );
  });
  process.on('disconnect', () => process.exit());
}

main();
