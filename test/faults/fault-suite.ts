import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LogWriter, writers, WritersWorld } from '../event-store/log-writers';
import { BulkLedger, paced } from './bulk-ledger';
import { HistoryCheck } from './checks/history-check';
import type { Violation } from './checks/log-history';
import { DatabaseProxy } from './database-proxy';
import { FaultCluster } from './fault-cluster';
import { FaultMaker } from './fault-maker';
import { openingKill, processFaults, serverFaults } from './fault-plan';
import { Fleet } from './fleet';
import { reportLines } from './fault-report';
import { readHistory, readView } from './history-reader';
import { KafkaSide } from './kafka-side';
import { placeWitness } from './log-witness';
import { rebuilt } from './rebuild';
import { RequestLoad } from './request-load';
import { settled } from './settling';
import { Story, tellViolations } from './story';
import type { SuiteForm } from './suite-form';
import { Surroundings } from './surroundings';

export interface SuiteReport {
  violations: Violation[];
  /** How the run went, for people. */
  lines: string[];
}

/** A page of the relay; it gives a page up after three tries (design.md 2.2), each of which may have reached the broker. */
const relayPage = 500;
const publishTries = 3;
/** After a trouble the service's connections need this long to be made again. */
const troubleLastsMs = 3_000;
/** design.md 4 asks for 5 s; a machine that is busy with other things gets three times that. */
const takeoverMaxMs = 15_000;

/** Runs the service under faults, lets it come to rest, and looks at what both sides saw. */
export async function runFaults(form: SuiteForm): Promise<SuiteReport> {
  const startedMs = Date.now();
  const cluster = await FaultCluster.start();
  const world = await Surroundings.make({ cluster: cluster.databaseUrl, brokers: cluster.brokers });
  const proxy = await DatabaseProxy.start(world.database.url);
  const kafka = new KafkaSide(world.brokers, world.topicPrefix);
  let fleet: Fleet | undefined;
  let report: SuiteReport | undefined;
  try {
    await placeWitness(world);
    await world.rows('create table inbox (message uuid primary key)');
    fleet = await Fleet.start(world, form.fleet, (name) => ({
      DATABASE_URL: proxy.url(world.database.url, name),
      // What kafkajs says about the group is only told there.
      LOG_LEVEL: 'debug',
    }));
    report = await new FaultRun(form, { cluster, world, proxy, kafka, fleet }, startedMs).run();
    return report;
  } finally {
    await fleet?.kill();
    await kafka.close();
    await proxy.stop();
    if (!report || report.violations.length > 0) {
      const kept = await keepArtefacts(form.seed, world, cluster);
      report?.lines.push(`The logs of all processes are kept in ${kept}`);
      if (!report) process.stderr.write(`The fault run broke off; its logs are kept in ${kept}\n`);
    }
    await world.remove().catch(() => undefined);
    await cluster.remove();
    await rm(world.folder, { recursive: true, force: true });
  }
}

interface Parts {
  cluster: FaultCluster;
  world: Surroundings;
  proxy: DatabaseProxy;
  kafka: KafkaSide;
  fleet: Fleet;
}

class FaultRun {
  readonly ledger: BulkLedger;
  readonly load: RequestLoad;
  readonly maker: FaultMaker;
  readonly check = new HistoryCheck();
  private readonly story = new Story();
  private readonly found: Violation[] = [];

  constructor(
    readonly form: SuiteForm,
    private readonly parts: Parts,
    readonly startedMs: number,
  ) {
    const { seed, persons, thinkMs } = form;
    const { fleet, kafka, world } = parts;
    this.ledger = new BulkLedger(seed);
    this.maker = new FaultMaker({ ...parts, story: this.story });
    this.load = new RequestLoad({
      seed,
      persons,
      thinkMs,
      token: world.token,
      door: () => fleet.door(),
      send: (request, key) => kafka.send(request, key),
    });
  }

  async run(): Promise<SuiteReport> {
    const { form, ledger, load, parts } = this;
    const { world, kafka } = parts;
    const writersWorld = new WritersWorld(ledger, form.seed, form.streams);
    const kinds = writers.flatMap(([kind, count]) => Array.from({ length: count }, () => kind));
    const all = await Promise.all(
      kinds.map((kind, number) => LogWriter.open(world.database.url, kind, number, writersWorld)),
    );
    let state: 'under faults' | 'faults over' | 'given up' = 'under faults';
    const goOn = paced(ledger, form.events, form.paceMs, () => state);
    const writing = Promise.all(all.map((writer) => writer.writeWhile(goOn)));
    // Looked at when it is awaited; until then a failure waits.
    writing.catch(() => undefined);
    load.start(form.actors);
    try {
      await this.maker.carryOut([openingKill], () => false);
      await Promise.all([this.faults(processFaults), this.faults(serverFaults)]);
      state = 'faults over';
      await writing;
    } finally {
      state = 'given up';
      await writing.catch(() => undefined);
      await Promise.all(all.map((writer) => writer.end().catch(() => undefined)));
    }
    this.story.tell('no more faults');
    await load.stop();
    const faultsOverMs = Date.now();
    const waitingFor = await settled(world, kafka, load, form.settleMs);
    const settledMs = Date.now() - faultsOverMs;
    if (waitingFor.length > 0) this.violation('comes to rest', waitingFor.join('; '));
    for (const death of parts.fleet.deaths()) this.violation('goes on by itself', death);
    for (const answer of load.unexpected) this.violation('an outage is no answer', answer);

    const { check, maker } = this;
    await readHistory(world, kafka, load, check);
    if (await rebuilt(world, parts.fleet, form.settleMs)) await readView(world, check);
    else this.violation('can be rebuilt', 'the view that was built anew never became the live one');
    for (const { stream_id: stream } of await world.rows<{ stream_id: string }>(
      'select stream_id from parked_stream',
    )) {
      this.found.push({ property: 'no stream is parked', seen: 'nothing is wrong with its events', stream });
    }
    for (const ended of await parts.fleet.stop()) this.violation('stops in order', ended);
    for (const written of ledger.written) check.writers.add(written);
    const limits = { page: relayPage, tries: publishTries, brokerFaults: maker.brokerFaults };
    const { list, count } = check.violations(limits);
    const takeovers = this.takeovers();
    for (const { reader, ms } of takeovers) {
      if (ms > takeoverMaxMs) this.violation('taken over in time', `${reader} stood still for ${ms} ms`);
    }
    const violations = [...this.found, ...list];
    const lines = reportLines({
      ...this,
      violationCount: this.found.length + count,
      limits,
      takeovers,
      writersWorld,
      lostAnswers: parts.proxy.lostAnswers,
      settledMs,
    });
    if (violations.length > 0) {
      lines.push(...(await tellViolations(violations, world, check.log, this.story)));
      lines.push('all that was done:', ...this.story.all());
    }
    return { violations, lines };
  }

  private async faults(plan: typeof processFaults): Promise<void> {
    const { faultsMs, seed, mix } = this.form;
    const endMs = performance.now() + (faultsMs ?? Infinity);
    const isOver = () => performance.now() > endMs;
    for (const round of plan(seed, mix)) {
      await this.maker.carryOut(round, isOver);
      if (faultsMs === undefined || isOver()) return;
    }
  }

  /** Of the kills after which nothing else went wrong until the reader went on. */
  private takeovers(): { reader: string; ms: number }[] {
    const { kills, troubles } = this.maker;
    return kills.flatMap(({ process, atMs }) =>
      this.check.leases.takeoversAfter(process, atMs).filter(({ ms }) => {
        const isDisturbed = ({ fromMs, toMs }: { fromMs: number; toMs: number }) =>
          fromMs < atMs + ms && toMs + troubleLastsMs > atMs;
        const nextKill = kills.some((kill) => kill.atMs > atMs && kill.atMs < atMs + ms);
        return !troubles.some(isDisturbed) && !nextKill;
      }),
    );
  }

  private violation(property: string, seen: string): void {
    this.found.push({ property, seen });
  }
}

/** Beside the folder of the test run, which goes away with it. */
async function keepArtefacts(seed: number, world: Surroundings, cluster: FaultCluster): Promise<string> {
  const runDirectory = process.env.TEST_RUN_DIR;
  const kept = await mkdtemp(join(runDirectory ? dirname(runDirectory) : tmpdir(), `medmij-faults-seed-${seed}-`));
  await cp(join(world.folder, 'logs'), join(kept, 'service'), { recursive: true }).catch(() => undefined);
  await cp(join(cluster.folder, 'logs'), join(kept, 'servers'), { recursive: true }).catch(() => undefined);
  return kept;
}
