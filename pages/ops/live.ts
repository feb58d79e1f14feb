import { useEffect, useState } from 'preact/hooks';
import type { Figures, Point } from './items';

/** Points that the charts show: ten minutes. */
const pointsMax = 300;
/** Figures older than this are not called live any more. */
const lateMs = 10_000;

export interface Live {
  figures: Figures | undefined;
  points: Point[];
  /** False while the service is not heard. */
  isHeard: boolean;
}

/** Listens to the service for as long as somebody is signed in; the browser connects again by itself. */
export function useLive(isOn: boolean): Live {
  const [live, setLive] = useState<Live>({ figures: undefined, points: [], isHeard: true });
  useEffect(() => {
    if (!isOn) return;
    let heardAtMs = performance.now();
    let source: EventSource;
    const listen = () => {
      source = new EventSource('api/stream');
      source.addEventListener('history', ({ data }) => {
        const history = JSON.parse(data as string) as Point[];
        setLive((old) => ({ ...old, points: history.length > 0 ? history : old.points }));
      });
      source.addEventListener('message', ({ data }) => {
        heardAtMs = performance.now();
        const figures = JSON.parse(data as string) as Figures;
        setLive(({ points }) => ({ figures, points: withPoint(points, figures.now), isHeard: true }));
      });
    };
    listen();
    const watch = setInterval(() => {
      if (performance.now() - heardAtMs > lateMs) setLive((old) => ({ ...old, isHeard: false }));
      // Turned away (a restart, too many listeners): the browser does not come back by itself from that.
      if (source.readyState === EventSource.CLOSED) listen();
    }, 3_000);
    return () => {
      clearInterval(watch);
      source.close();
    };
  }, [isOn]);
  return live;
}

/** The first point of a row says nothing about the time before it. */
function withPoint(points: Point[], point: Point): Point[] {
  if (point.seconds === 0 || points.at(-1)?.at === point.at) return points;
  return [...points, point].slice(-pointsMax);
}
