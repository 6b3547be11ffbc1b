// What the events of builds tell about time, in seconds. Pure; docs/operations.md describes the events.

/** The stages between the installed disk and the finished image. */
const afterInstall = ['customize', 'sysprep', 'sparsify'];

const time = ({ at }) => Date.parse(at) / 1000;

/** The events in the output of `--ui json`. */
export function parseEvents(text) {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/**
 * How long a build took, and for how much of that none of its programs ran: vmkiln's own time. Programs overlap (virsh asks
 * about a domain while virt-install waits for it), so their intervals are united. Nothing when no build was begun.
 */
export function ownTime(events) {
  const first = events.find(({ type }) => type === 'build-started');
  const last = events.findLast(({ type }) => type === 'build-finished');
  if (!first || !last) return {};
  const begin = time(first);
  const end = time(last);
  const intervals = events
    .filter(({ type }) => type === 'command-finished')
    .map((event) => [Math.max(begin, time(event) - event.seconds), Math.min(end, time(event))])
    .toSorted(([a], [b]) => a - b);
  let covered = 0;
  let reached = begin;
  for (const [from, to] of intervals) {
    covered += Math.max(0, to - Math.max(from, reached));
    reached = Math.max(reached, to);
  }
  return { buildSeconds: end - begin, ownSeconds: end - begin - covered };
}

/**
 * Wall time from the first stage on the installed disk to the image in the checkpoint store: storing and hashing between
 * the stages counts, publishing does not.
 */
export function afterInstallTime(events) {
  const first = events.findIndex(({ type, stage }) => type === 'stage-started' && afterInstall.includes(stage));
  const last = events.findLastIndex(({ type, stage }) => type === 'stage-finished' && stage === 'sparsify');
  const next = events.find(({ type }, index) => index > last && type !== 'progress' && type !== 'warning');
  return time(next ?? events[last]) - time(events[first]);
}

/** Seconds of each stage that ran, as the build says. */
export function stageTimes(events) {
  const stages = events.filter(({ type }) => type === 'stage-finished');
  return Object.fromEntries(stages.map(({ stage, seconds }) => [stage, seconds]));
}
