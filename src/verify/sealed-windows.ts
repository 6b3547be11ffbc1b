import { openKey, showValue, valueIn } from '../tools/hivex.ts';
import { type CheckResult, resultOf } from './expectation.ts';
import { type Facts, lines } from './facts.ts';

/**
 * A value of the registry that would act in an instance, and the check that it fails; `harmless` is the text with which it does nothing, `only` the one that
 * it must have.
 */
type Value = {
  name: string;
  check: 'autologon' | 'answer-file' | 'sysprep';
  fault: string;
  harmless?: string;
  only?: string;
};

/**
 * Where Windows looks: "AutoAdminLogon" and "DefaultPassword" of Winlogon ("Turn on automatic logon in Windows"), the Run key, and the
 * answer file that comes before all others ("Windows Setup Automation Overview"). build.cmd takes all of them away; Sysprep does not. What Sysprep has left
 * is told by the state of the image ("Windows Setup States"): after it, and before a first boot, it is this one.
 */
const keys: readonly { hive: string; key: string; values: readonly Value[] }[] = [
  {
    hive: 'SOFTWARE',
    key: String.raw`Microsoft\Windows NT\CurrentVersion\Winlogon`,
    values: [
      {
        name: 'AutoAdminLogon',
        check: 'autologon',
        fault: 'Winlogon logs a user on by itself: AutoAdminLogon is on',
        harmless: '0',
      },
      { name: 'DefaultPassword', check: 'autologon', fault: 'Winlogon has the password of a user: DefaultPassword' },
    ],
  },
  {
    hive: 'SOFTWARE',
    key: String.raw`Microsoft\Windows\CurrentVersion\Run`,
    values: [
      { name: 'vmkiln', check: 'autologon', fault: 'the Run key has vmkiln: the first logon would go on building' },
    ],
  },
  {
    hive: 'SOFTWARE',
    key: String.raw`Microsoft\Windows\CurrentVersion\Setup\State`,
    values: [
      {
        name: 'ImageState',
        check: 'sysprep',
        fault:
          'Sysprep has not generalized it, or it was booted since: clones would be one and the same machine (ImageState)',
        only: 'IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE',
      },
    ],
  },
  {
    hive: 'SYSTEM',
    key: 'Setup',
    values: [
      {
        name: 'UnattendFile',
        check: 'answer-file',
        fault: String.raw`HKLM\SYSTEM\Setup names another answer file: UnattendFile`,
      },
    ],
  },
];

const inHive = (hive: string) => `/Windows/System32/config/${hive}`;

/** The sections of `questions` that tell what the registry has: one for each value. */
export const registryQuestions = Object.fromEntries(
  keys.flatMap(({ hive, key, values }) =>
    values.map(({ name }, index) => [name, [...(index === 0 ? openKey(inHive(hive), key) : []), ...showValue(name)]]),
  ),
);

/** What is wrong with the registry, the value of no password among it. What cannot be read is not in order. */
export function judgeRegistry(facts: Facts, check: Value['check']): CheckResult {
  const faults = keys.flatMap(({ hive, key, values }) =>
    values
      .filter((value) => value.check === check)
      .flatMap(({ name, fault, harmless, only }) => {
        const found = valueIn(lines(facts, name));
        if (found === 'unreadable') return [`${inHive(hive)} cannot be read at ${key}`];
        const isRight = found === 'absent' ? only === undefined : found.text === (only ?? harmless);
        return isRight ? [] : [fault];
      }),
  );
  return resultOf(check, faults.length === 0 ? undefined : [...new Set(faults)].join('; '));
}
