import type { Call } from './exec.ts';

/** oscap(8): what is in a file of SCAP content or a tailoring file. */
export function describeContent(file: string): Call {
  // The content of RHEL 8, some 30 MB, takes it half a second.
  return { program: 'oscap', args: ['info', file], timeout: 300, confined: {} };
}

/**
 * Evaluates a profile against a system whose files lie below `root`, offline as oscap-vm(8) does it, by the variable OSCAP_PROBE_ROOT.
 * Nothing is fetched: a rule whose check lies elsewhere is not checked. `timeout` is in seconds.
 */
export function evaluateProfile(
  content: { file: string; profile: string; tailoring?: string | undefined },
  { root, name, arf, report }: { root: string; name: string; arf: string; report: string },
  timeout: number,
): Call {
  const tailored = content.tailoring === undefined ? [] : ['--tailoring-file', content.tailoring];
  return {
    program: 'oscap',
    args: [
      ...['xccdf', 'eval', '--profile', content.profile, ...tailored],
      ...['--results-arf', arf, '--report', report, content.file],
    ],
    env: { OSCAP_PROBE_ROOT: root, OSCAP_EVALUATION_TARGET: name },
    timeout,
    // 2: a rule failed, or nobody knows whether it did.
    accept: [2],
    confined: {},
  };
}
