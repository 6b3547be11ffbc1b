// Runs the command in VMKILN_NOTIFY_COMMAND with a sentence about what happened: on its standard input, and in place of
// the words {subject} and {text}. For instance: `mail -s {subject} ops@example.com`, or `notify-send {subject} {text}`.
import { readFileSync } from 'node:fs';
import { $ } from 'zx';

const words = (process.env.VMKILN_NOTIFY_COMMAND ?? '').split(/\s+/).filter(Boolean);
if (words.length === 0) throw new Error('VMKILN_NOTIFY_COMMAND is not set');
const { hook, name, published, failure, folder } = JSON.parse(readFileSync(process.env.VMKILN_CONTEXT ?? '', 'utf8'));
const happened = {
  afterInstall: 'is installed',
  afterBuild: 'is built',
  afterUpload: 'is published',
  onFailure: 'failed',
}[hook];
const subject = `vmkiln: ${name} ${happened}`;
const why = failure?.explanation ? [`Why: ${failure.explanation.cause}`] : [];
const details = failure ? [failure.message, ...why, `See ${folder}`] : published.map(({ location }) => location);
const text = [subject, ...details, ''].join('\n');
const command = words.map((word) => (word === '{subject}' ? subject : word === '{text}' ? text.trimEnd() : word));
await $({ input: text })`${command}`;
