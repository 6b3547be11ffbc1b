// Draws the last screen of a build as an SVG, from what `--ui json` printed: node scripts/picture.mjs < events.ndjson > docs/build.svg
import { readFileSync } from 'node:fs';
import { paintFor } from '../dist/ui/format.js';
import { lastLines } from '../dist/ui/frame.js';
import { resultText } from '../dist/ui/result-text.js';
import { applyEvent, emptyView } from '../dist/ui/view.js';

const [columns, lineHeight, charWidth, margin] = [100, 19, 8.43, 16];

/** Classes of the style sheet by SGR codes (ECMA-48, 8.3.117). */
const classes = { 1: 'bold', 2: 'dim', 31: 'red', 32: 'green', 33: 'yellow', 36: 'cyan' };

/** A sequence that selects how characters look. */
const sequence = new RegExp(`(${String.fromCharCode(27)}\\[[\\d;]*m)`);

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A line with SGR sequences as text elements. */
function spans(line) {
  const open = new Set();
  return line
    .split(sequence)
    .map((piece) => {
      if (!sequence.test(piece)) {
        const names = [...open].map((code) => classes[code]).filter(Boolean);
        const text = escape(piece);
        return names.length > 0 && piece !== '' ? `<tspan class="${names.join(' ')}">${text}</tspan>` : text;
      }
      for (const code of piece.slice(2, -1).split(';')) {
        if (code === '0' || code === '') open.clear();
        else if (code === '22') for (const weight of ['1', '2']) open.delete(weight);
        else if (code === '39') for (const colour of ['31', '32', '33', '36']) open.delete(colour);
        else open.add(code);
      }
      return '';
    })
    .join('');
}

const events = readFileSync(0, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line));
const view = emptyView('recipe');
for (const event of events) applyEvent(view, event);
const paint = paintFor({ isTTY: true }, { FORCE_COLOR: '1' });
const drawing = { columns, rows: 50, now: Date.parse(events.at(-1).at), paint };
const lines = [...lastLines([{ view, refused: false }], drawing), ...resultText(view, paint).split('\n')];
const [width, height] = [columns * charWidth + 2 * margin, lines.length * lineHeight + 2 * margin];
const rows = lines.map((line, index) => {
  return `<text x="${margin}" y="${margin + (index + 0.75) * lineHeight}">${spans(line)}</text>`;
});

process.stdout
  .write(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="The last screen of a build: its stages, its image, and what to do next">
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #d1d7e0; white-space: pre; }
.bold { font-weight: 700; fill: #f0f3f6; } .dim { fill: #9198a1; }
.red { fill: #ff7b72; } .green { fill: #56d364; } .yellow { fill: #e3b341; } .cyan { fill: #76e3ea; }
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
${rows.join('\n')}
</svg>
`);
