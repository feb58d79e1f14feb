import { LogCheck } from '../test/event-store/log-check';
import { createDatabase, type TestDatabase } from '../test/support/database';
import type { BenchContext, Benchmark, Goal } from './benchmark';
import { checkLog } from './check-log';
import type { Load } from './closed-loop';
import { HttpLoad } from './http-load-process';
import { inTurns } from './rounds';
import { ServiceProcess, serviceEnvironment } from './service-process';
import { SpanReceiver } from './span-receiver';
import { UsageMeter } from './usage';

/** As many as `intake` has: the process is then busy all the time, so that a span has nothing to hide in. */
const httpConnections = 200;
/** The request, and its command. */
const spansPerCommand = 2;
const sampledPart = 0.1;
/** Before anything counts: a process that has just started compiles its code. */
const warmUpRounds = 2;

/** What traces cost the process that answers requests: the same load on processes that differ in nothing else. */
export const tracing: Benchmark = {
  name: 'tracing',
  title: 'Commands through HTTP with traces, beside the same without',
  async run(context) {
    const every = await compare(context, 'each request traced', {});
    const some = await compare(context, `one request in ${1 / sampledPart} traced`, {
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: String(sampledPart),
    });
    const arrivedPart = every.spans / (every.traced * spansPerCommand);
    return {
      measurements: [...every.measurements, { ...arrived, value: arrivedPart * 100 }, ...some.measurements],
      goals: [
        atLeast('each request traced, part of the rate without', every.ratio, 0.85),
        atLeast(`one in ${1 / sampledPart} traced, part of the rate without`, some.ratio, 0.95),
        // A collector that cannot keep up would make the first figure better.
        atLeast('spans that arrived, part of all', arrivedPart, 0.99),
      ],
      usage: every.usage,
      checked: { committed: every.committed + some.committed, spans: every.spans + some.spans },
      faults: [...every.faults, ...some.faults],
    };
  },
};

const arrived = { name: 'spans that arrived, of all', unit: '%' };

/** Two fresh processes, so that both have run equally long, one of which sends its spans to a collector. */
async function compare(
  { options, databaseUrl, brokers, say }: BenchContext,
  name: string,
  env: Record<string, string>,
) {
  const { seconds, rounds } = options;
  const receiver = await SpanReceiver.start();
  const untraced = await Side.start(databaseUrl, brokers, {});
  const traced = await Side.start(databaseUrl, brokers, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...env });
  const sides = [untraced, traced];
  for (const side of sides) await side.warmUp(seconds * warmUpRounds);
  const { result, usage } = await traced.service.watch(() =>
    inTurns(rounds, new UsageMeter(), {
      name,
      unit: 'commands/s',
      ours: () => traced.run(seconds),
      bare: { name: 'without traces', run: () => untraced.run(seconds) },
    }),
  );
  const ratio = result.ratio!;
  say(`${name}: ratio ${ratio.toFixed(2)}`);
  // The end of a process sends what waited to be sent.
  for (const side of sides) await side.stop();
  receiver.stop();
  const commands = traced.check.committedCount();
  return {
    ratio,
    usage,
    traced: commands,
    committed: commands + untraced.check.committedCount(),
    spans: receiver.spans,
    measurements: [
      result,
      {
        name: `processor of the service for a command, ${name}`,
        unit: 'ms',
        value: traced.cpuMsEach(),
        bound: { name: 'without traces', value: untraced.cpuMsEach() },
      },
      { name: `sent to the collector for a command, ${name}`, unit: 'bytes', value: receiver.bytes / commands },
    ],
    faults: [
      ...sides.flatMap(({ check }) => check.faults()),
      ...(receiver.spans > 0 ? [] : [`No span has arrived: ${name}.`]),
    ],
  };
}

const atLeast = (text: string, value: number, limit: number): Goal => ({
  text,
  value,
  relation: 'at least',
  limit,
  unit: '',
});

/** One process of the service, with a database and a load of its own. */
class Side {
  readonly check = new LogCheck();
  private measured = { cpuS: 0, commands: 0 };

  private constructor(
    private readonly database: TestDatabase,
    readonly service: ServiceProcess,
    private readonly load: HttpLoad,
  ) {}

  static async start(clusterUrl: string, brokers: readonly string[], env: Record<string, string>): Promise<Side> {
    const database = await createDatabase(clusterUrl);
    const service = await ServiceProcess.start({
      ROLES: 'api',
      ...serviceEnvironment(database.url, brokers),
      ...env,
    });
    return new Side(database, service, HttpLoad.start(service.url, service.token, httpConnections, 0));
  }

  async warmUp(seconds: number): Promise<void> {
    await this.run(seconds);
    this.measured = { cpuS: 0, commands: 0 };
  }

  async run(seconds: number): Promise<Load> {
    const before = await this.service.figures();
    const { load, committed } = await this.load.run(seconds);
    const { cpuS } = await this.service.figures();
    this.measured.cpuS += cpuS - before.cpuS;
    this.measured.commands += committed.length;
    this.check.commit(...committed);
    return load;
  }

  /** Processor milliseconds of the service for each command since it was warm. */
  cpuMsEach(): number {
    return (this.measured.cpuS / this.measured.commands) * 1e3;
  }

  async stop(): Promise<void> {
    this.load.stop();
    await this.service.stop();
    await checkLog(this.database.url, this.check);
    await this.database.drop();
  }
}
