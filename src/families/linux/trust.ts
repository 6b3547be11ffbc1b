import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Arg } from '../../model.ts';
import type { RecipeFiles } from '../../recipe/files.ts';
import { isFile } from '../../recipe/paths.ts';
import type { FileOf } from '../family.ts';
import { findUpload } from '../uploads.ts';
import { chmod } from './steps.ts';

/**
 * How a distribution is made to trust CAs: the folder for their certificates, the command that takes them in, and what
 * the names of files that it looks at end in.
 */
export type Trust = { anchors: string; command: string; suffix?: string };

/** virt-customize(1) options that make the guest trust CAs. */
export function trustArguments(
  certificates: readonly string[],
  { anchors, command, suffix = '' }: Trust,
  file: FileOf,
): Arg[] {
  if (certificates.length === 0) return [];
  const uploads = certificates.flatMap((certificate): Arg[] => {
    const name = basename(certificate);
    const path = `${anchors}/${name.endsWith(suffix) ? name : name + suffix}`;
    return ['--upload', [file(certificate), `:${path}`], ...chmod('0644', path)];
  });
  return ['--mkdir', anchors, ...uploads, '--run-command', command];
}

/** The absolute paths of the CAs to trust. In the guest they lie in one folder, so each needs a name of its own. */
export function findCertificates(paths: readonly string[], key: string, files: RecipeFiles): string[] {
  return paths.map((path, index) => {
    const same = paths.findIndex((other) => basename(other) === basename(path));
    if (same !== index)
      files.report([key, index], `another certificate is called ${basename(path)}: give this one another name`);
    return findCertificate(path, [key, index], files);
  });
}

/** A certificate for the guest to trust. In DER, or without a certificate, nothing would trust it and nothing would say so. */
export function findCertificate(path: string, where: readonly PropertyKey[], files: RecipeFiles): string {
  const found = findUpload(path, where, files);
  if (isFile(found) && !readFileSync(found, 'latin1').includes('-----BEGIN CERTIFICATE-----')) {
    files.report(where, `there is no certificate in PEM in ${found}: convert it with openssl x509 -inform der`);
  }
  return found;
}
