import { Client } from 'pg';
import { LogCheck } from '../test/event-store/log-check';
import { createDatabase } from '../test/support/database';
import { BareDelivery } from './bare-delivery-process';
import { Backlog } from './backlog';
import type { Benchmark } from './benchmark';
import { readPages } from './check-log';
import type { Load } from './closed-loop';
import { holdEndpoints, releaseEndpoints, untilDelivered } from './delivery-queue';
import { halfHanging } from './half-hanging';
import { NotificationCheck } from './notification-check';
import { NotifiedClients } from './notified-clients';
import { processorSeconds } from './processor-time';
import type { Arrival } from './receiver-process';
import { median } from './latency';
import { inTurns } from './rounds';
import { ServiceProcess, serviceEnvironment } from './service-process';
import { UsageMeter } from './usage';

const clientCount = 16;
/** The first of a round find connections that are only being made. */
const startPart = 0.1;

/** Notifications through a whole process of the service, beside a loop that only claims, sends and completes. */
export const deliver: Benchmark = {
  name: 'deliver',
  title: 'Notifications over mutual TLS',
  async run({ options: { seconds, rounds, notifications }, databaseUrl, brokers, say }) {
    const database = await createDatabase(databaseUrl);
    const clients = await NotifiedClients.start(clientCount);
    const { receiver, ids } = clients;
    const environment = {
      ROLES: 'delivery',
      ...serviceEnvironment(database.url, brokers),
      ...clients.env(),
    };
    const client = new Client({ connectionString: database.url });
    await client.connect();
    const service = await ServiceProcess.start(environment);
    const bare = await BareDelivery.start({
      databaseUrl: database.url,
      identity: clients.identity,
      trusted: clients.authority.certificate,
      hosts: ids,
      port: receiver.port,
    });
    const backlog = new Backlog(client, new LogCheck(), ids);
    const check = new NotificationCheck();
    const costs: number[] = [];

    const ours = async (): Promise<Load> => {
      await holdEndpoints(client);
      const planned = await backlog.workedOffBy('planner', notifications);
      say(`planned ${Math.round(planned.perSecond)}/s`);
      // Endpoints of which nothing was known yet are not held: the first ones may have gone out already.
      check.see(await receiver.take());
      const cpuBefore = await processorSeconds(client, [service.pid, receiver.pid]);
      await releaseEndpoints(client);
      const doneMs = await untilDelivered(client);
      const cpuAfter = await processorSeconds(client, [service.pid, receiver.pid]);
      const arrivals = await receiver.take();
      check.see(arrivals);
      if (cpuBefore !== undefined && cpuAfter !== undefined)
        costs.push(((cpuAfter - cpuBefore) / arrivals.length) * 1e3);
      return sustained(arrivals, doneMs);
    };
    const { result: measured, usage } = await service.watch(() =>
      inTurns(rounds, new UsageMeter(), {
        name: `${notifications} due at ${clientCount} clients`,
        unit: 'notifications/s',
        ours,
        bare: {
          name: 'bare undici loop',
          run: async () => {
            await receiver.take();
            const doneMs = await bare.send(notifications);
            return sustained(await receiver.take(), doneMs);
          },
        },
      }),
    );
    bare.stop();
    const costMs = costs.length > 0 ? median(costs.slice(1)) : undefined;
    say(`ratio ${measured.ratio!.toFixed(2)}, ${costMs?.toFixed(2)} ms of processor each`);
    await client.end();
    await service.stop();
    const faults = await check.faults(readPages(database.url));
    await Promise.all([database.drop(), clients.close()]);

    const hanging = await halfHanging({ databaseUrl, brokers, seconds: seconds * 2, rounds, say });
    return {
      measurements: [
        measured,
        ...(costMs === undefined ? [] : [{ name: 'processor for each, in all', unit: 'ms', value: costMs }]),
        { name: 'memory of the service, at most', unit: 'MiB', value: usage.rssPeakMiB },
        ...hanging.measurements,
      ],
      goals: [
        { text: 'part of the bare loop', value: measured.ratio!, relation: 'at least', limit: 0.5, unit: '' },
        ...(costMs === undefined
          ? []
          : [{ text: 'processor for each', value: costMs, relation: 'at most', limit: 0.67, unit: 'ms' } as const]),
        ...hanging.goals,
      ],
      usage,
      checked: { notifications: check.seen, beside_hanging_ones: hanging.checked },
      faults: [...faults, ...hanging.faults],
    };
  },
};

/** The rate between the first tenth and the completion of the last one. */
function sustained(arrivals: readonly Arrival[], doneMs: number): Load {
  const from = Math.floor(arrivals.length * startPart);
  return { perSecond: ((arrivals.length - from) / (doneMs - arrivals[from]!.atMs)) * 1e3, latenciesMs: [] };
}
