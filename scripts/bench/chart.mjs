// A bar chart of wall seconds as SVG. Its background is transparent; the colours of text follow the reader's light or dark mode.

const colours = { install: '#4c8dd6', customize: '#e08a2c', sysprep: '#3fa66b', sparsify: '#b06fc4', other: '#9097a0' };
const width = 860;
const labelWidth = 200;
const valueWidth = 90;
const row = 40;
const bar = 22;
const top = 64;

/** Names and parts of the bars, in the order of the page. */
export const contenders = {
  guide: 'guide’s commands',
  packer: 'Packer',
  cold: 'vmkiln, cold',
  edit: 'vmkiln, edited',
  unchanged: 'vmkiln, unchanged',
};

/** The chart of the parts that have been measured. */
export function chart(parts) {
  const bars = Object.entries(contenders).flatMap(([name, title]) => (parts[name] ? [{ title, ...parts[name] }] : []));
  const longest = Math.max(1, ...bars.map(({ run }) => run.seconds));
  const scale = (width - labelWidth - valueWidth) / longest;
  const rows = bars.map((each, index) => drawBar(each, top + index * row, scale)).join('');
  const height = top + Math.max(1, bars.length) * row + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Wall seconds from the DVD to an image, by stage">
<style>
text { font: 14px system-ui, sans-serif; fill: #24292f; }
.quiet { fill: #59636e; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .quiet { fill: #9aa4af; } }
</style>
<text x="0" y="18" font-weight="600">From the DVD to an image: wall seconds, less is better</text>
${legend()}${rows}</svg>
`;
}

function legend() {
  let x = 0;
  return Object.entries(colours)
    .map(([name, colour]) => {
      const item = `<rect x="${x}" y="33" width="12" height="12" rx="2" fill="${colour}"/><text class="quiet" x="${x + 18}" y="44">${name}</text>\n`;
      x += 42 + name.length * 8;
      return item;
    })
    .join('');
}

function drawBar({ title, run, steps = {} }, y, scale) {
  const known = Object.keys(colours).filter((name) => name !== 'other');
  const sizes = known.map((name) => [name, steps[name] ?? 0]);
  const other = Math.max(0, run.seconds - sizes.reduce((sum, [, seconds]) => sum + seconds, 0));
  let x = labelWidth;
  const pieces = [...sizes, ['other', other]].map(([name, seconds]) => {
    const size = seconds * scale;
    const rectangle = `<rect x="${x.toFixed(1)}" y="${y}" width="${size.toFixed(1)}" height="${bar}" fill="${colours[name]}"/>`;
    x += size;
    return size < 0.05 ? '' : rectangle;
  });
  const value = `<text x="${(x + 8).toFixed(1)}" y="${y + 16}">${run.seconds.toFixed(run.seconds < 10 ? 1 : 0)} s</text>`;
  return `<text x="0" y="${y + 16}">${title}</text>${pieces.join('')}${value}\n`;
}
