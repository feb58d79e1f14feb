import { provider, providerList } from '../test/medmij-lists/list-xml';
import type { Benchmark } from './benchmark';
import { compiled } from './compiled';
import type { Load } from './closed-loop';
import { median } from './latency';
import { inTurns } from './rounds';
import { UsageMeter } from './usage';

const providers = 10_000;
const servicesEach = 3;
/** How often the event loop is looked at; one that comes late was held up. */
const lookEveryMs = 1;

/** A large provider list is taken over while requests go on. */
export const lists: Benchmark = {
  name: 'lists',
  title: `A provider list of ${providers} providers`,
  async run({ options: { rounds }, say }) {
    const { XmlDocument } = await import('libxml2-wasm');
    const { ListStore } = compiled.medmijLists;
    const documents = Array.from({ length: rounds + 1 }, (_, index) => listOf(index + 1));
    const store = new ListStore(compiled.platform.systemClock(0), { localhostAllowed: true });
    const meter = new UsageMeter();
    const stallsMs: number[] = [];
    const loadsMs: number[] = [];
    const bareStallsMs: number[] = [];
    const faults: string[] = [];
    let next = 0;

    const measured = await inTurns(rounds, meter, {
      name: 'taken over',
      unit: 'lists/s',
      ours: async () => {
        const stall = watchEventLoop();
        const startedMs = performance.now();
        const outcome = await store.offer('providers', documents[next]!);
        const tookMs = performance.now() - startedMs;
        stallsMs.push(stall());
        loadsMs.push(tookMs);
        next += 1;
        const wanted = { outcome: 'replaced', sequence: next, entries: providers };
        if (JSON.stringify(outcome) !== JSON.stringify(wanted))
          faults.push(`a list was answered with ${JSON.stringify(outcome)}`);
        return once(tookMs);
      },
      bare: {
        name: "libxml2's own parse, in one step",
        run: () => {
          const startedMs = performance.now();
          XmlDocument.fromBuffer(documents[0]!).dispose();
          const tookMs = performance.now() - startedMs;
          bareStallsMs.push(tookMs);
          return Promise.resolve(once(tookMs));
        },
      },
    });
    // The first of each warmed both up.
    const [loadMs, stallMs] = [median(loadsMs.slice(1)), median(stallsMs.slice(1))];
    say(`loaded in ${Math.round(loadMs)} ms, longest stall ${Math.round(stallMs)} ms`);
    return {
      measurements: [
        measured,
        { name: 'size of the list', unit: 'MB', value: documents[0]!.length / 1e6 },
        { name: 'longest stall of the event loop', unit: 'ms', value: stallMs },
        { name: 'stall of a parse in one step', unit: 'ms', value: median(bareStallsMs.slice(1)) },
      ],
      goals: [
        { text: 'load time', value: loadMs / 1e3, relation: 'at most', limit: 2, unit: 's' },
        { text: 'longest stall of the event loop', value: stallMs, relation: 'at most', limit: 50, unit: 'ms' },
      ],
      usage: meter.usage(),
      checked: { lists: next, providers: next * providers },
      faults,
    };
  },
};

const once = (tookMs: number): Load => ({ perSecond: 1e3 / tookMs, latenciesMs: [tookMs] });

/** Of the size of a national list: every provider with some services. */
function listOf(sequence: number): Buffer {
  const services = Array.from({ length: servicesEach }, (_, index) => ({ id: String(42 + index) }));
  const all = Array.from({ length: providers }, (_, index) => provider(nameOf(index), ...services));
  return providerList(all.join('\n'), { sequence });
}

/** Letters only, as the names of the list are. */
function nameOf(index: number): string {
  return `aanbieder${[...String(index)].map((digit) => 'abcdefghij'[Number(digit)]).join('')}`;
}

/** Begins to watch; the answer gives the longest time for which nothing else could run. */
function watchEventLoop(): () => number {
  let [lastMs, longestMs] = [performance.now(), 0];
  const look = () => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs - lookEveryMs);
    lastMs = nowMs;
  };
  const timer = setInterval(look, lookEveryMs);
  return () => {
    clearInterval(timer);
    look();
    return longestMs;
  };
}
