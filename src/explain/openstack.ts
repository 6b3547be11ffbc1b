import type { KnownFailure } from './failure.ts';

// What Keystone and Glance answer stands in the message of the failure. What helps is known where the answer is read
// (openstack/remedies.ts), and is the advice of the error: no remedy stands here.

const logs = ['message'] as const;

export const openstackFailures: readonly KnownFailure[] = [
  {
    id: 'keystone.login',
    title: 'Keystone refuses the login',
    logs,
    match: [/The request you have made requires authentication/],
    cause: 'Keystone refuses the user, the password or the application credential, or they have no part in the project',
    source: 'keystone/exception.py Unauthorized',
  },
  {
    id: 'keystone.no-project',
    title: 'Keystone does not know a name',
    logs,
    match: [/Could not find (?<kind>project|domain|user|application credential): (?<name>.+?)\.?(?:\n|$)/i],
    cause: 'Keystone has no {kind} {name}',
    source: 'keystone/exception.py NotFound and those below it',
  },
  {
    id: 'keystone.forbidden',
    title: 'The roles of the user do not allow it',
    logs,
    match: [/You are not authorized to (?:perform the requested action|complete (?<action>\S+) action)/],
    cause: 'a policy of the cloud does not let this user do it[: {action}]',
    source: 'keystone/exception.py Forbidden; glance/common/exception.py ForbiddenPublicImage, Forbidden',
  },
  {
    id: 'glance.quota',
    title: 'A quota of the cloud is used up',
    logs,
    match: [
      /The size of the data (?<size>\d+) will exceed the limit/,
      /is over a limit for \[?(?:Resource )?(?<what>\w+)/,
      /Quota exceeded/i,
    ],
    cause: 'the quota of the project for images is used up[: {what}][: {size} bytes do not fit]',
    source: 'glance/common/exception.py StorageQuotaFull; oslo.limit ProjectOverLimit',
  },
  {
    id: 'glance.too-large',
    title: 'The image is larger than the cloud takes',
    logs,
    match: [/The provided image is too large|Denying attempt to upload image because it exceeds the/],
    cause: 'the image is larger than the cloud takes (image_size_cap), or its properties are too many',
    source: 'glance/common/exception.py ImageSizeLimitExceeded; glance/api/v2/images.py',
  },
  {
    id: 'glance.properties',
    title: 'The image has too many properties',
    logs,
    match: [
      /The limit has been exceeded on the number of (?:allowed )?image (?<what>properties|tags)\. Attempted: (?<attempted>\d+), Maximum: (?<most>\d+)/,
    ],
    cause: 'the cloud takes {most} {what} of an image, and this one has {attempted}',
    source: 'glance/common/exception.py ImagePropertyLimitExceeded, ImageTagLimitExceeded',
  },
  {
    id: 'glance.read-only',
    title: 'A property may not be set',
    logs,
    match: [/Attribute '(?<name>[^']+)' is (?:read-only|reserved)/],
    cause: 'the cloud does not let this user set {name}',
    source: 'glance/api/v2/images.py',
  },
  {
    id: 'glance.store-full',
    title: 'The store of the cloud is full',
    logs,
    match: [/Image storage media is full|There is not enough disk space on the image storage media/],
    cause: 'the store of Glance has no room left',
    source: 'glance/api/v2/image_data.py; glance_store/exceptions.py StorageFull',
  },
  {
    id: 'glance.format',
    title: 'The data are not in the announced format',
    logs,
    match: [
      /Image disk_format (?<announced>\S+) does not match stream data (?<found>\S+)/,
      /Image data is not acceptable or does not match parameters/,
    ],
    cause: 'Glance finds other data than the disk format announces[: {announced} was announced][, {found} found]',
    source: 'glance/location.py; glance/common/exception.py InvalidImageData',
  },
  {
    id: 'glance.taken',
    title: 'The image id is taken',
    logs,
    match: [/An object with the same identifier (?:already exists|is currently being)/],
    cause: 'the cloud has had an image of that id, and never gives it again',
    source: 'glance/common/exception.py Duplicate',
  },
];
