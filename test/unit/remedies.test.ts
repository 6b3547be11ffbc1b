import { expect, test } from 'vitest';
import { remedyFor } from '../../src/openstack/remedies.ts';

const id = '5f3e0b0c-6f0e-4d1e-9d2a-0f3a3c1f1d11';

/** What Glance 25 and later say, in their words, with what helps. */
test.each([
  [403, `Image ${id} is protected and cannot be deleted.`, `set ${id} --unprotected`],
  [403, "Attribute 'size' is read-only.", 'leave it out'],
  [403, 'Attribute disk_format can be only replaced for a queued image.', '--disk-format'],
  [403, "Attribute 'os_glance_x' is reserved.", 'another name'],
  [403, 'Property name may not be removed.', 'not removed'],
  [403, 'You are not authorized to complete publicize_image action.', '--community or --shared'],
  [403, 'You are not authorized to complete communitize_image action.', '--shared'],
  [403, "You are not permitted to create images owned by 'abc'.", '--project'],
  [403, "Owner can't be updated by non admin.", '--project'],
  [403, 'You do not own this image', 'another project'],
  [403, "Not allowed to deactivate image in status 'queued'", 'only an active image'],
  [403, 'You are not authorized to complete deactivate action.', 'administrators'],
  [403, `Not allowed to list members for image ${id}: Only shared images have members.`, '--shared'],
  [403, `Not allowed to create members for image ${id}.`, '--shared'],
  [403, `Not allowed to update members for image ${id}.`, 'not its owner'],
  [403, 'The requested image has been deactivated. Image data download is forbidden.', 'reactivate'],
  [403, 'You are not authorized to complete copy_image action.', 'copy_image'],
  [403, 'You are not authorized to complete add_image action.', 'role'],
  [403, 'You are not authorized to perform the requested action: identity:list_projects.', 'role'],
  [403, '', 'roles of this user'],
  [400, "Unable to filter by unknown operator 'rhel'.", 'operator'],
  [400, "Provided object does not match schema 'image': 'xx' is too long", 'correct the value'],
  [400, 'URI for web-download does not pass filtering: http://x', 'allowed_hosts'],
  [400, "Param values can't contain 4 byte unicode.", 'emoji'],
  [400, '', 'as req-1'],
  [409, 'Image status transition from active to saving is not allowed', 'state'],
  [409, `Image ${id} could not be deleted because it is in use: in use`, 'hide'],
  [500, '', 'as req-1'],
  [418, 'I am a teapot', undefined],
])('%d %s', (status, said, hint) => {
  const remedy = remedyFor({ status, doing: `DELETE /v2/images/${id}`, said }, 'req-1');
  if (hint === undefined) expect(remedy).toBeUndefined();
  else expect(remedy).toContain(hint);
});
