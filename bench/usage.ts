/** Of one process. */
export interface Usage {
  /** Processor seconds used for each second measured: 1 is one core, all the time. */
  readonly cores: number;
  readonly rssPeakMiB: number;
}

const sampleEveryMs = 100;

/** Adds up the processor time and the largest memory of this process over the stretches it is told to watch. */
export class UsageMeter {
  private cpuMicros = 0;
  private elapsedMs = 0;
  private rssPeak = 0;

  async watch<Result>(work: () => Promise<Result>): Promise<Result> {
    const sample = () => (this.rssPeak = Math.max(this.rssPeak, process.memoryUsage.rss()));
    const timer = setInterval(sample, sampleEveryMs);
    const [cpu, startedMs] = [process.cpuUsage(), performance.now()];
    try {
      return await work();
    } finally {
      const { user, system } = process.cpuUsage(cpu);
      this.cpuMicros += user + system;
      this.elapsedMs += performance.now() - startedMs;
      clearInterval(timer);
      sample();
    }
  }

  usage(): Usage {
    return { cores: this.cpuMicros / 1e3 / this.elapsedMs, rssPeakMiB: this.rssPeak / 2 ** 20 };
  }
}
