import type { Format } from '../images/header.ts';
import type { Port } from '../verify/ports.ts';

/** A program that is installed. What is not known is left out. */
export type Package = {
  /** Whose database has it: of rpm, of dpkg, or the registry of Windows. */
  type: 'rpm' | 'deb' | 'windows';
  name: string;
  /** Of an rpm; of a deb it is part of the version, as dpkg writes it. */
  epoch?: number;
  version: string;
  /** Of an rpm. */
  release?: string;
  arch?: string;
  /** The source package: of an rpm the name of its file. */
  source?: string;
  license?: string;
  vendor?: string;
};

/**
 * A service that starts, or cannot be started: `targets` are the units or run levels that want it ("multi-user.target", "rc3").
 */
export type Service = { name: string; state: 'enabled' | 'masked'; targets: string[] };

/** An account. `groups` has the names of all its groups, the first one first. */
export type User = {
  name: string;
  uid: number;
  gid: number;
  comment: string;
  home: string;
  shell: string;
  groups: string[];
  /** How a password lets it in: not at all, with one, or without any. */
  password: 'locked' | 'set' | 'none';
};

/** What the boot loader has: its default entry, if it names one, and the kernels with their options. */
export type Boot = { default?: string; entries: { kernel: string; options: string }[] };

/** Sizes are in bytes; those of a file system that is not mounted are not known. */
export type FileSystem = { device: string; type: string; mountpoint?: string; size?: number; used?: number };

/** A file below /etc: its permission bits in octal, its owners, and its content's SHA-256 or where the link leads. */
export type EtcFile = { mode: string; uid: number; gid: number; sha256?: string; link?: string };

/** The system in the image, by libosinfo's names where it has one: `distro` "rhel", `version` "7.9". */
export type System = { type: string; distro?: string; version?: string; product?: string; arch?: string };

/** The metadata of a repository that packages came from: "baseos/repomd.xml", and its SHA-256 (lower-case hex). */
export type Repository = { name: string; sha256: string };

/**
 * What is in an image: docs/formats.md. The same image gives the same inventory, in the same order. Sizes are in bytes.
 */
export type Inventory = {
  version: 1;
  image: { format: Format; size: number; virtualSize?: number; sha256: string };
  system: System;
  packages: Package[];
  services: Service[];
  users: User[];
  boot: Boot;
  filesystems: FileSystem[];
  /** By their absolute paths. */
  files: Record<string, EtcFile>;
  /** What packages came from when vmkiln installed them; absent when nothing says so. */
  repositories?: Repository[];
  /** The open ports of booted clones; absent when none was booted. */
  ports?: Port[];
};

/** The version of a package as its system writes it: `1:4.2.46-34.el7` of an rpm with an epoch. */
export function fullVersion({ epoch, version, release }: Package): string {
  return `${epoch === undefined ? '' : `${epoch}:`}${version}${release === undefined ? '' : `-${release}`}`;
}

/** What an image is called by what is in it: "rhel-7.9". Its own name says nothing of that, and may change. */
export function imageName({ system: { type, distro = type, version } }: Pick<Inventory, 'system'>): string {
  return version === undefined ? distro : `${distro}-${version}`;
}

/** The order of two texts by their code units, which no locale changes. */
export function byText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
