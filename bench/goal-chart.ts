import { quantity } from './report';
import type { Result } from './results';

const rowHeight = 24;
const nameWidth = 420;
const barWidth = 300;
/** A bar this many times its goal long fills the chart; longer ones are cut. */
const timesMax = 3;

/**
 * One bar a goal, as long as it is good: the line stands at the goal. For a goal of at most so much, the bar is the limit
 * divided by the figure.
 */
export function goalChart(results: readonly Result[]): string {
  const goals = results.flatMap(({ name, goals: own }) => own.map((goal) => ({ name, ...goal })));
  const [width, height] = [nameWidth + barWidth + 120, (goals.length + 1) * rowHeight + 8];
  const line = nameWidth + barWidth / timesMax;
  const rows = goals.map(({ name, text, value, relation, limit, unit, met }, index) => {
    const times = relation === 'at least' ? value / limit : limit / value;
    const length = (Math.min(times, timesMax) / timesMax) * barWidth;
    const y = (index + 1) * rowHeight;
    return [
      `<text x="${nameWidth - 8}" y="${y + 15}" text-anchor="end">${escaped(`${name}: ${text}`)}</text>`,
      `<rect x="${nameWidth}" y="${y + 3}" width="${length.toFixed(1)}" height="${rowHeight - 8}" fill="${met ? '#3a7d44' : '#b3402e'}"/>`,
      `<text x="${nameWidth + length + 6}" y="${y + 15}">${escaped(quantity(value, unit))}</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#222">
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="${line}" y="15" text-anchor="middle">goal</text>
${rows.join('\n')}
<line x1="${line}" x2="${line}" y1="${rowHeight - 4}" y2="${height - 4}" stroke="#222" stroke-dasharray="4 3"/>
</svg>
`;
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
