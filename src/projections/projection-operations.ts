import { type LogAccess, type ParkedStreamStore, positionText } from '../event-store';
import type { Clock, Signal } from '../platform';
import { otherSlot, type ProjectionState, type ProjectionStore, readerOf } from './projection.store';
import type { Comparison, ProjectionCheck } from './projection-check';

/** A projection as operators see it (contract.md 4). */
export interface ProjectionView {
  name: string;
  version: number;
  position: string;
  lag_events: number;
  lag_s: number;
  /** The version that is being brought up to take the live one's place; `progress` from 0 to 1. */
  rebuild: { version: number; progress: number } | null;
  /** Streams that the live version has parked. */
  parked: number;
}

/** What operators ask of projections, in any process; processes with the role carry it out. */
export class ProjectionOperations {
  private readonly parked: ParkedStreamStore;

  constructor(
    private readonly access: LogAccess,
    private readonly projections: ProjectionStore,
    private readonly check: ProjectionCheck,
    private readonly clock: Clock,
    private readonly asked: Signal,
  ) {
    this.parked = access.parked;
  }

  async all(): Promise<ProjectionView[]> {
    return Promise.all((await this.projections.all()).map((state) => this.view(state)));
  }

  /** Builds a new version beside the live one, from the start of the log. Undefined when there is no such projection. */
  async rebuild(name: string): Promise<ProjectionView | undefined> {
    return this.taken(await this.projections.askRebuild(name));
  }

  /** Brings the version before back. `no_version`: there is none, or a rebuild has taken its place. */
  async switchBack(name: string): Promise<ProjectionView | 'no_version' | undefined> {
    if (!(await this.projections.find(name))) return undefined;
    return (await this.taken(await this.projections.askSwitchBack(name))) ?? 'no_version';
  }

  async verify(name: string): Promise<Comparison | undefined> {
    if (!(await this.projections.find(name))) return undefined;
    const found = await this.check.compare();
    await this.projections.noteChecked(name, this.clock.now(), found.differing.length);
    return found;
  }

  private async taken(state: ProjectionState | undefined): Promise<ProjectionView | undefined> {
    if (!state) return undefined;
    this.asked.raise();
    return this.view(state);
  }

  private async view(state: ProjectionState): Promise<ProjectionView> {
    const position = await this.projections.position(state.name);
    const [lag, parked, rebuild] = await Promise.all([
      this.access.reader.lag(position),
      this.parked.of(readerOf(state.name, state.live_slot)),
      this.progress(state),
    ]);
    return {
      name: state.name,
      version: state.live_version,
      position: positionText(position),
      lag_events: lag.events,
      lag_s: Math.round(lag.seconds * 1000) / 1000,
      rebuild,
      parked: parked.size,
    };
  }

  /** By the numbers of the events, which are counted in the order of writing: near enough, and never a scan of the log. */
  private async progress(state: ProjectionState): Promise<ProjectionView['rebuild']> {
    const { name, live_slot: live, other_version: version, task, emptied } = state;
    if (task === null || version === null) return null;
    if (task === 'rebuild' && !emptied) return { version, progress: 0 };
    const { checkpoints, reader } = this.access;
    const [built, end] = await Promise.all([checkpoints.position(readerOf(name, otherSlot(live))), reader.end()]);
    const share = Number(end.pos) === 0 ? 1 : Number(built.pos) / Number(end.pos);
    return { version, progress: Math.round(Math.min(share, 1) * 1000) / 1000 };
  }
}
