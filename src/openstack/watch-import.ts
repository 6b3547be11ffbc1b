import type { Progress } from '../media/progress.ts';
import { findImage, getTask, type Image, imageTasks, type ImportRequest, startImport, type Task } from './image-api.ts';
import type { CloudSession } from './keystone.ts';
import { wait } from '../wait.ts';

const importing = 'waiting for an import of the cloud';

/** How an import ended: with an active image, with what the service said of its failure, or not in time. */
export type ImportEnd = { how: 'active'; image: Image } | { how: 'failed' | 'stuck'; message: string };

/** What one look at an import shows. Pure: the image, its tasks, and whether it was seen importing before. */
export function judgeImport(
  image: Image | undefined,
  tasks: readonly Task[],
  wasImporting: boolean,
): ImportEnd | undefined {
  if (image === undefined) return { how: 'failed', message: 'the image was deleted meanwhile' };
  const failedStores = String(image['os_glance_failed_import'] ?? '');
  const failed = tasks.find(({ status }) => status === 'failure');
  const said = failed?.message || (failedStores && `the stores ${failedStores} did not take it`);
  const running = String(image['os_glance_importing_to_stores'] ?? '');
  // A copy to more stores begins with an image that is active already.
  const isBusy = tasks.some(({ status }) => status === 'pending' || status === 'processing');
  if (image.status === 'active' && running === '' && !isBusy) {
    return failedStores === '' ? { how: 'active', image } : { how: 'failed', message: said || 'a store failed' };
  }
  // With a conversion that failed, the image stays `importing` for ever: only the task says so.
  if (failed) return { how: 'failed', message: said || 'the service gives no reason' };
  if (['killed', 'deleted', 'pending_delete'].includes(image.status)) {
    return { how: 'failed', message: `the image is ${image.status}` };
  }
  if (image.status === 'queued' && wasImporting) return { how: 'failed', message: 'the service gave it up' };
  return undefined;
}

/**
 * Starts an import and waits for its end, by the image's status and its tasks, at most `timeout` seconds.
 *
 * @throws VmkilnError CLOUD_FAILED, INTERRUPTED.
 */
export async function importAndWait(
  session: CloudSession,
  id: string,
  request: ImportRequest,
  options: { signal: AbortSignal; progress: Progress; timeout: number },
): Promise<ImportEnd> {
  const { signal, progress } = options;
  // What became of earlier imports does not count.
  const earlier = new Set((await imageTasks(session, id, { signal })).map((task) => task.id));
  await startImport(session, id, request, { signal });
  const started = Date.now();
  let wasImporting = false;
  for (let look = 0; ; look++) {
    const image = await findImage(session, id, { signal });
    const tasks = (await imageTasks(session, id, { signal })).filter((task) => !earlier.has(task.id));
    const end = judgeImport(image, tasks, wasImporting);
    if (end) return end;
    const status = image?.status ?? 'gone';
    wasImporting ||= status === 'importing';
    const passed = (Date.now() - started) / 1000;
    const doing = tasks.find((task) => task.status === 'processing')?.message;
    progress(`${session.cloud.name} imports the image: ${status}${doing ? `, ${doing}` : ''}, ${Math.round(passed)} s`);
    if (passed >= options.timeout) {
      const message = `still ${status} after ${Math.round(passed)} s${doing ? ` (${doing})` : ''}`;
      return { how: 'stuck', message };
    }
    await wait(1000 * Math.min(0.3 * 1.3 ** look, 5, options.timeout - passed + 0.1), importing, signal);
  }
}

/** Waits for a task of its own. Resolves with the id of the image that it made. */
export async function watchTask(
  session: CloudSession,
  id: string,
  options: { signal: AbortSignal; progress: Progress; timeout: number },
): Promise<{ image?: string; message?: string }> {
  const started = Date.now();
  for (let look = 0; ; look++) {
    const task = await getTask(session, id, options);
    const passed = (Date.now() - started) / 1000;
    const image = task.result?.image_id;
    if (task.status === 'success' && image) return { image };
    const made = image === undefined ? {} : { image };
    if (task.status === 'failure') return { ...made, message: task.message || 'the service gives no reason' };
    if (passed >= options.timeout) return { ...made, message: `still ${task.status} after ${Math.round(passed)} s` };
    options.progress(`${session.cloud.name} runs the import task: ${task.status}, ${Math.round(passed)} s`);
    await wait(1000 * Math.min(0.3 * 1.3 ** look, 5), importing, options.signal);
  }
}
