import { useEffect, useRef, useState } from 'preact/hooks';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Point } from './items';
import { count } from './words';

export interface Series {
  name: string;
  /** Name of the custom property with its colour. */
  colour: string;
  /** Its dash, so that lines can be told apart without colours. */
  dash?: number[];
  value: (point: Point) => number | null;
}

const heightPx = 150;
/** Rows of the table that says the same. */
const tableRows = 15;

/** A chart of the last minutes, and the same as a table for whoever does not see charts. */
export function Chart({
  title,
  points,
  spanMs,
  series,
  unit,
  isWhole = false,
}: {
  title: string;
  points: readonly Point[];
  /** The time that is shown, up to the last point. */
  spanMs: number;
  series: readonly Series[];
  unit: string;
  /** There is nothing between one and two of these. */
  isWhole?: boolean;
}) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | undefined>(undefined);
  const [isTable, setTable] = useState(false);
  const drawn = withGaps(points);
  const data = [
    drawn.map(({ atMs }) => atMs / 1_000),
    ...series.map(({ value }) => drawn.map(({ point }) => (point ? value(point) : null))),
  ] as UPlot.AlignedData;
  const shown = useRef(data);
  shown.current = data;
  const spanS = useRef<[number, number]>([0, 0]);
  const endMs = drawn.at(-1)?.atMs ?? Date.now();
  spanS.current = [(endMs - spanMs) / 1_000, endMs / 1_000];

  useEffect(() => {
    const box = place.current!;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new UPlot(
        optionsFor(box, series, isWhole, () => spanS.current),
        shown.current,
        box,
      );
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: box.clientWidth, height: heightPx }));
    resized.observe(box);
    // Colours are drawn, not styled: another scheme is another drawing.
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', draw);
    return () => {
      resized.disconnect();
      scheme.removeEventListener('change', draw);
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData(data), [points]);

  const last = points.at(-1);
  const saying = last ? series.map(({ name, value }) => `${name} ${figure(value(last))}`).join(', ') : 'no figures yet';
  return (
    <figure class="chart">
      <figcaption>
        {title} <span class="quiet">{unit}</span>
      </figcaption>
      <ul class="legend">
        {series.map(({ name, colour, dash, value }) => (
          <li key={name}>
            <svg viewBox="0 0 24 8" width="24" height="8" aria-hidden="true">
              <line x1="0" y1="4" x2="24" y2="4" class={colour} stroke-dasharray={dash?.join(' ')} />
            </svg>
            {name} <b>{last ? figure(value(last)) : '-'}</b>
          </li>
        ))}
      </ul>
      <div class="plot" ref={place} role="img" aria-label={`${title}, ${unit}, now: ${saying}`} />
      <button type="button" class="small" aria-expanded={isTable} onClick={() => setTable(!isTable)}>
        {isTable ? 'Hide the table' : 'As a table'}
        <span class="unseen"> of {title}</span>
      </button>
      {isTable && (
        <table class="plain">
          <caption class="unseen">{title}, newest first</caption>
          <thead>
            <tr>
              <th scope="col">At</th>
              {series.map(({ name }) => (
                <th key={name} scope="col" class="figure">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {points
              .slice(-tableRows)
              .reverse()
              .map((point) => (
                <tr key={point.at}>
                  <td>{new Date(point.at).toLocaleTimeString('en-GB')}</td>
                  {series.map(({ name, value }) => (
                    <td key={name} class="figure">
                      {figure(value(point))}
                    </td>
                  ))}
                </tr>
              ))}
          </tbody>
        </table>
      )}
    </figure>
  );
}

/** What lies further apart has a time between it that nobody knows anything of: the line stops there. */
const adjoiningMs = 5_000;

function withGaps(points: readonly Point[]): { atMs: number; point: Point | null }[] {
  let lastMs = -Infinity;
  return points.flatMap((point) => {
    const atMs = Date.parse(point.at);
    const isApart = lastMs > 0 && atMs - point.seconds * 1_000 - lastMs > adjoiningMs;
    const gap = isApart ? [{ atMs: (lastMs + atMs) / 2, point: null }] : [];
    lastMs = atMs;
    return [...gap, { atMs, point }];
  });
}

const figure = (value: number | null) =>
  value === null ? '-' : value < 10 && !Number.isInteger(value) ? value.toFixed(1) : count(Math.round(value));

function optionsFor(
  box: HTMLElement,
  series: readonly Series[],
  isWhole: boolean,
  spanS: () => [number, number],
): UPlot.Options {
  const style = getComputedStyle(box);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour('quiet'),
    grid: { stroke: colour('hair'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
    gap: 4,
  };
  return {
    width: box.clientWidth,
    height: heightPx,
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    axes: [
      {
        ...axis,
        size: 22,
        space: 90,
        incrs: [60, 120, 300, 600, 900],
        values: (_plot, moments) => moments.map((at) => new Date(at * 1_000).toLocaleTimeString('en-GB', clock)),
      },
      { ...axis, size: 44, values: (_plot, values) => values.map(short), ...(isWhole && { incrs: wholeSteps }) },
    ],
    scales: {
      x: { range: spanS },
      y: { range: (_plot, _min, max) => [0, Math.max(isWhole ? 4 : 1, (max ?? 0) * 1.1)] },
    },
    series: [
      {},
      ...series.map(({ name, colour: property, dash }) => ({
        label: name,
        stroke: colour(property),
        width: 1.75,
        dash,
        points: { show: false },
      })),
    ],
  };
}

const clock = { hour: '2-digit', minute: '2-digit' } as const;

const wholeSteps = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

const short = (value: number) =>
  value >= 1_000_000 ? `${value / 1_000_000}M` : value >= 1_000 ? `${value / 1_000}k` : String(value);
