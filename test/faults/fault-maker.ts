import type { DatabaseProxy } from './database-proxy';
import type { FaultCluster } from './fault-cluster';
import type { Fault, PlannedFault } from './fault-plan';
import type { Fleet } from './fleet';
import type { KafkaSide } from './kafka-side';
import type { Story } from './story';

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Carries out what is planned, and keeps the account of it. */
export class FaultMaker {
  readonly counts: Record<string, number> = {};
  /** Ends of processes by `kill -9`. */
  readonly kills: { process: string; atMs: number }[] = [];
  /** When something other than the service's own processes was in trouble, or another fault of a process began. */
  readonly troubles: { fromMs: number; toMs: number }[] = [];
  /** After these nobody knows what became of a page that was being published. */
  brokerFaults = 0;

  constructor(
    private readonly parts: {
      cluster: FaultCluster;
      proxy: DatabaseProxy;
      fleet: Fleet;
      kafka: KafkaSide;
      story: Story;
    },
  ) {}

  /** One fault after the other; `isOver` is asked before each. */
  async carryOut(faults: readonly PlannedFault[], isOver: () => boolean): Promise<void> {
    for (const fault of faults) {
      if (isOver()) return;
      await wait(fault.pauseMs);
      const what = await this.make(fault);
      this.counts[what] = (this.counts[what] ?? 0) + 1;
    }
  }

  private async make(fault: Fault): Promise<string> {
    const { cluster, proxy, fleet, kafka, story } = this.parts;
    switch (fault.kind) {
      case 'kill': {
        const victim = await fleet.victim(fault.role, fault.pick);
        story.tell(`kill -9 of ${victim.name} (for ${fault.role}), down for ${fault.downMs} ms`);
        this.kills.push({ process: victim.name, atMs: Date.now() });
        await victim.kill();
        await wait(fault.downMs);
        await fleet.startAgain(victim);
        story.tell(`${victim.name} is back`);
        return `${fault.role} killed`;
      }
      case 'freeze': {
        const victim = await fleet.victim(fault.role, fault.pick);
        story.tell(`${victim.name} (for ${fault.role}) frozen for ${fault.forMs} ms`);
        await this.trouble(() => victim.freezeFor(fault.forMs));
        story.tell(`${victim.name} woke up`);
        return `${fault.role} frozen`;
      }
      case 'cut connections':
        await this.trouble(() => {
          story.tell(`${proxy.cut()} database connections cut`);
          return Promise.resolve();
        });
        return 'connections cut';
      case 'lose answers':
        story.tell(`the answers of the next ${fault.count} commits are lost`);
        await this.trouble(() => {
          proxy.loseAnswers(fault.count);
          return Promise.resolve();
        });
        return 'commits whose answer was to be lost';
      case 'stop database':
        story.tell(`database stopped (${fault.how}), down for ${fault.downMs} ms`);
        await this.trouble(async () => {
          await cluster.stopDatabase(fault.how);
          await wait(fault.downMs);
          await cluster.startDatabase();
        });
        story.tell('the database is back');
        return `database stopped, ${fault.how}`;
      case 'stop broker':
        story.tell(`broker stopped (${fault.how}), down for ${fault.downMs} ms`);
        this.brokerFaults += 1;
        await this.trouble(async () => {
          await cluster.stopBroker(fault.how);
          await wait(fault.downMs);
          await cluster.startBroker();
        });
        story.tell('the broker is back');
        return `broker stopped, ${fault.how}`;
      case 'freeze broker':
        story.tell(`broker frozen for ${fault.forMs} ms`);
        this.brokerFaults += 1;
        await this.trouble(() => cluster.freezeBrokerFor(fault.forMs));
        story.tell('the broker woke up');
        return 'broker frozen';
      case 'rebalance': {
        const joined = await kafka.joinGroupFor(fault.forMs);
        story.tell(joined ? `a foreign member was in the group for ${fault.forMs} ms` : 'the group let nobody in');
        return joined ? 'group rebalanced' : 'group not reached';
      }
    }
  }

  private async trouble(work: () => Promise<void>): Promise<void> {
    const fromMs = Date.now();
    await work();
    this.troubles.push({ fromMs, toMs: Date.now() });
  }
}
