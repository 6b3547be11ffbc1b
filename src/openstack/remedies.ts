/** A cause of an error, known by what the service says, and what helps. */
type Cause = readonly [status: number, said: RegExp, hint: string];

/**
 * What Glance says (glance/api/v2, glance/domain, glance/common/exception.py), Barbican (barbican/api/controllers) and
 * Keystone. The first that fits counts. ID stands for the image.
 */
const causes: readonly Cause[] = [
  [403, /is protected and cannot be deleted/, 'allow it first: vmkiln image set ID --unprotected'],
  [
    403,
    /(disk|container)_format can be only replaced/,
    'formats are settled with the data: upload the image again, with --disk-format',
  ],
  [403, /Attribute '.*' is read-only/, 'the service says this by itself: leave it out'],
  [403, /Property \S+ may not be removed/, 'this is a field of the service, which can be changed and not removed'],
  [
    403,
    /Attribute '.*' is reserved/,
    'choose another name: os_glance_ and others belong to the service, or its operator protects this property',
  ],
  [
    403,
    /publicize_image/,
    'only those whom the policy publicize_image names make images public (by default administrators): use --community or --shared, or ask the operator of the cloud',
  ],
  [
    403,
    /communitize_image/,
    'the policy communitize_image of the cloud does not let this user: use --shared, or ask its operator',
  ],
  [
    403,
    /images owned by|Owner can't be updated/,
    'only administrators give images to another project: leave --project out, or log in to that project',
  ],
  [
    403,
    /You do not own this image|not permitted to (modify|delete|update) this image/,
    'the image is that of another project: log in to that one (vmkiln image show ID says which), or ask its owner',
  ],
  [403, /Only shared images have members/, 'share it first: vmkiln image set ID --shared'],
  [
    403,
    /create (image )?members for/,
    'the owner of an image adds members, once it is shared: vmkiln image set ID --shared',
  ],
  [
    403,
    /update members for|modify 'status' on this image member/,
    'only the project that an image is shared with answers, not its owner: log in to that one',
  ],
  [403, /delete (image )?member/, 'only the owner of a shared image takes members away: log in to its project'],
  [403, /has been deactivated/, 'reactivate it, if you may: vmkiln image reactivate ID'],
  [
    403,
    /Not allowed to (de|re)activate image in status/,
    'only an active image can be deactivated, and only a deactivated one reactivated: vmkiln image show ID',
  ],
  [403, /complete (de|re)activate action/, 'the policy of the cloud leaves this to administrators: ask its operator'],
  [403, /upload image data for/, 'only the project of the image may: log in to that one'],
  [
    403,
    /copy_image/,
    'the policy copy_image lets administrators copy images only, or the owners of images: ask the operator of the cloud',
  ],
  [
    403,
    /tasks_api_access/,
    'the policy tasks_api_access keeps this for administrators: use --method web-download, or upload a file',
  ],
  [403, /tags for image/, 'only the project of the image changes its tags: log in to that one'],
  [
    403,
    /Secret \S+ attempt not allowed/,
    'the user needs the role creator in this project to store certificates, and observer to read them: ask the operator of the cloud',
  ],
  [
    403,
    /complete (\S+ action|the requested action)|perform the requested action/,
    'a policy of the cloud does not allow it with the roles of this user: ask its operator for the role (member, for images)',
  ],
  [400, /Unable to filter by unknown operator/, 'what stands before a colon is an operator: in:a,b or eq:a'],
  [400, /does not match schema/, 'correct the value that it names; names and tags have at most 255 characters'],
  [
    400,
    /4.byte unicode/,
    'leave out emoji and other characters beyond U+FFFF: the database of the service cannot keep them',
  ],
  [400, /Custom property should not be greater/, 'choose a shorter name for the property'],
  [
    400,
    /does not pass filtering/,
    'the operator of the cloud allows addresses by import_filtering_opts (allowed_hosts, allowed_schemes, allowed_ports); else upload the file',
  ],
  [400, /Signature verification failed/i, 'compare key, certificate and hash method: vmkiln verify-signature'],
  [400, /[Ss]tore .*(not found|not available)|Unknown scheme/, 'vmkiln image methods shows the stores of the cloud'],
  [
    400,
    /must be set prior to saving data/,
    'set them first: vmkiln image set ID --disk-format FORMAT --container-format bare',
  ],
  [400, /Expecting to find|The server could not comply/, 'check user, project and their domains in clouds.yaml'],
  [
    409,
    /status transition|be in 'queued' state|be staged before|cannot be target for import|Only images with status active/,
    'the state of the image does not allow it: vmkiln image show ID',
  ],
  [409, /in use/, 'an instance or a volume still needs it: delete that first, or hide the image: vmkiln image hide ID'],
  [409, /is duplicated for image/, 'the project is a member already: vmkiln image members ID'],
];

/** What helps with a status whose cause is not known. */
const remedies: Readonly<Record<number, string>> = {
  401: 'check user, password, domains and project in clouds.yaml (a wrong project looks like a wrong password), or the expiry of the application credential',
  403: 'the roles of this user do not allow it: ask the operator of the cloud',
  404: 'it is not there, or not for this project',
  407: 'give the proxy its user and password: http_proxy=http://USER:PASSWORD@HOST:PORT',
  409: 'it is in a state, or in use, that does not allow this',
  413: 'it is over a quota or the largest size of the cloud: remove images, or ask its operator',
  415: 'the bytes are not in the format that was announced: check the disk format',
  429: 'the cloud asks for fewer requests: try again later',
  503: 'the service is not available now, or its store is full: try again later',
};

/**
 * What helps with an error of a service.
 *
 * @param doing what it was asked, with the id of the image where there is one.
 * @param said what it said, without mark-up; empty when it said nothing.
 * @param request its name for the request (`x-openstack-request-id`), by which its log tells more.
 */
export function remedyFor(
  { status, doing, said }: { status: number; doing: string; said: string },
  request: string | undefined,
): string | undefined {
  const cause = causes.find(([code, words]) => code === status && words.test(said));
  const id = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(doing)?.[0] ?? 'ID';
  if (cause) return cause[2].replaceAll(/\bID\b/g, id);
  const log = request === undefined ? 'in the log of the service' : `in the log of the service, as ${request}`;
  if (remedies[status] !== undefined) return remedies[status];
  if (status >= 500) return `the cloud has a fault: its operator finds it ${log}`;
  return said === '' ? `it gave no reason: the operator of the cloud finds it ${log}` : undefined;
}
