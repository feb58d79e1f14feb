import type { Role } from './fault-plan';
import type { ServiceProcess } from './service-process';
import type { Surroundings } from './surroundings';

/** The reader of the log, or the other job of one process at a time, that stands for a role when its holder is wanted. */
const jobs: Partial<Record<Role, string>> = {
  relay: 'relay',
  projector: 'projection:subscriptions:0',
  delivery: 'planner',
  scheduler: 'expiry',
};
const startAgainEveryMs = 300;
const startAgainWithinMs = 120_000;

/** The processes of the service under test, and who does what among them. */
export class Fleet {
  private turn = 0;

  private constructor(
    private readonly world: Surroundings,
    readonly processes: ServiceProcess[],
  ) {}

  /** One process for each set of roles; its name says them. */
  static async start(
    world: Surroundings,
    roleSets: readonly (readonly Role[])[],
    envOf: (name: string) => Record<string, string>,
  ): Promise<Fleet> {
    const processes = await Promise.all(
      roleSets.map((roles, index) => {
        const name = `${index + 1}-${roles.join('-')}`;
        return world.process(name, { ...envOf(name), ROLES: roles.join(',') });
      }),
    );
    const fleet = new Fleet(world, processes);
    // The first one makes the topics: two that do so at once would only stumble over each other.
    await processes[0]!.start();
    await Promise.all(processes.slice(1).map((process) => process.start()));
    return fleet;
  }

  /** Where requests go: each living process with the role `api` in turn. */
  door(): string {
    const doors = this.processes.filter((process) => process.roles.includes('api') && process.isRunning());
    this.turn += 1;
    return (doors[this.turn % doors.length] ?? this.processes[0]!).baseUrl;
  }

  /** A process with the role; mostly the one that does the role's work at this moment. */
  async victim(role: Role, pick: number): Promise<ServiceProcess> {
    const candidates = this.processes.filter((process) => process.roles.includes(role) && process.isRunning());
    const job = jobs[role];
    if (job !== undefined && pick % 4 !== 0) {
      const rows = await this.world
        .rows<{ process: string }>(
          'select process from witnessed_step where reader = $1 and took order by n desc limit 1',
          [job],
        )
        .catch(() => []);
      const holder = candidates.find(({ name }) => name === rows[0]?.process);
      if (holder) return holder;
    }
    return candidates[pick % candidates.length]!;
  }

  /** As a supervisor does: again until it stands, for what it needs may be away. */
  async startAgain(process: ServiceProcess): Promise<void> {
    const end = performance.now() + startAgainWithinMs;
    for (;;) {
      try {
        return await process.start();
      } catch (error) {
        if (performance.now() > end) throw error;
        await new Promise((resolve) => setTimeout(resolve, startAgainEveryMs));
      }
    }
  }

  /** Processes that ended by themselves, and how. */
  deaths(): string[] {
    return this.processes.flatMap(({ deaths }) => deaths);
  }

  /** Asks those that live to stop; the ones that did not end well. */
  async stop(): Promise<string[]> {
    const living = this.processes.filter((process) => process.isRunning());
    const codes = await Promise.all(living.map(async (process) => [process.name, await process.stop()] as const));
    return codes.filter(([, code]) => code !== 0).map(([name, code]) => `${name} ended with ${code}`);
  }

  async kill(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.kill()));
  }
}
