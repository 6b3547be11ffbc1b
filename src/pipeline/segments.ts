import type { StageName } from '../model.ts';
import type { Stage } from '../stages/stage.ts';

/**
 * Stages that are run together: those that make one layer, which the last of them leaves, or, after the last layer, those
 * that are run every time. A stage that publishes ends its segment: nothing that is kept may be made by publishing.
 */
export type Segment = {
  stages: readonly StageName[];
  /** What becomes of the work file: an `overlay` on the layer below, the `image`, or a `document` about the image. */
  leaves?: { stage: StageName; file: string; as: 'overlay' | 'image' | 'document' };
};

/** The stages cut into segments. */
export function segmentsOf(stages: readonly Stage[]): Segment[] {
  const segments: Segment[] = [];
  const image = stages.findIndex(({ leaves }) => leaves?.image);
  let open: StageName[] = [];
  for (const [index, { name: stage, leaves, publishes }] of stages.entries()) {
    open.push(stage);
    if (leaves === undefined && publishes === undefined) continue;
    const as = index === image ? 'image' : index < image ? 'overlay' : 'document';
    segments.push({ stages: open, ...(leaves && { leaves: { stage, file: leaves.file, as } }) });
    open = [];
  }
  return open.length > 0 ? [...segments, { stages: open }] : segments;
}

/** The stages a build may end with: those that leave something, and those that are run every time. */
export function lastStages(stages: readonly Stage[]): StageName[] {
  return segmentsOf(stages).flatMap(({ leaves, stages: members }) => leaves?.stage ?? members);
}

/** Index of the segment that leaves the finished image; -1 without one. */
export function imageSegment(segments: readonly Segment[]): number {
  return segments.findIndex(({ leaves }) => leaves?.as === 'image');
}
