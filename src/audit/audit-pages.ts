import type { AuditSource, AuditView, SourcePlace, TracedIds } from './audit-source';

/** In this order stand lines of the same moment. */
export const auditSources = ['retention', 'operation', 'notification', 'event'] as const;
export type AuditSourceName = (typeof auditSources)[number];

/** A line and where it comes from. */
export type ListedLine = AuditView & { source: AuditSourceName };

/** Where a page goes on. */
export interface AuditPlace extends SourcePlace {
  source: AuditSourceName;
}

/** Before and after every id, which is visible ASCII without a tilde. */
const bounds = { none: '', all: '~' };

/** The audit trail as one list, newest first, though its lines stand in several tables. */
export class AuditPages {
  constructor(private readonly sources: Record<AuditSourceName, AuditSource>) {}

  async page(ids: TracedIds, after: AuditPlace | undefined, limit: number): Promise<ListedLine[]> {
    const pages = await Promise.all(
      auditSources.map(async (source) =>
        (await this.sources[source].lines(ids, placeIn(source, after), limit)).map((line) => ({ ...line, source })),
      ),
    );
    // A stable sort: lines of one moment stay in the order of the sources, and within one as it gave them.
    return pages
      .flat()
      .sort((one, other) => Number(BigInt(other.place) - BigInt(one.place)))
      .slice(0, limit);
  }
}

/** Sources before that of the last line have shown all of its moment, those after it none. */
function placeIn(source: AuditSourceName, after: AuditPlace | undefined): SourcePlace | undefined {
  if (!after) return undefined;
  const turn = auditSources.indexOf(source) - auditSources.indexOf(after.source);
  return { place: after.place, id: turn === 0 ? after.id : turn < 0 ? bounds.none : bounds.all };
}
