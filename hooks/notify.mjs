// Runs the command in VMKILN_NOTIFY_COMMAND with a sentence about what happened: on its standard input, and in place of
// the words {subject} and {text}. For instance: `mail -s {subject} ops@example.com`, or `notify-send {subject} {text}`.
import { readFileSync } from 'node:fs';
import { $ } from 'zx';

const words = (process.env.VMKILN_NOTIFY_COMMAND ?? '').split(/\s+/).filter(Boolean);
if (words.length === 0) throw new Error('VMKILN_NOTIFY_COMMAND is not set');
const context = JSON.parse(readFileSync(process.env.VMKILN_CONTEXT ?? '', 'utf8'));
const { subject, text } = context.hook === 'afterNight' ? ofNight(context) : ofBuild(context);
const command = words.map((word) => (word === '{subject}' ? subject : word === '{text}' ? text.trimEnd() : word));
await $({ input: text })`${command}`;

/** A night has its summary in words: the first line of it says what it came to. */
function ofNight({ text: summary }) {
  const [first = ''] = summary.split('\n');
  return { subject: `vmkiln: ${first}`, text: `${summary}\n` };
}

function ofBuild({ hook, name, published, failure, folder }) {
  const happened = {
    afterInstall: 'is installed',
    beforeVerify: 'is finished, and about to be verified',
    afterBuild: 'is built',
    afterUpload: 'is published',
    onFailure: 'failed',
  }[hook];
  const title = `vmkiln: ${name} ${happened}`;
  const why = failure?.explanation ? [`Why: ${failure.explanation.cause}`] : [];
  const details = failure ? [failure.message, ...why, `See ${folder}`] : published.map(({ location }) => location);
  return { subject: title, text: [title, ...details, ''].join('\n') };
}
