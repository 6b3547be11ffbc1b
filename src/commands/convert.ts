import { convertFile, defaultOut } from '../images/convert.ts';
import { outputFormatOf, type OutputOptions } from '../images/output-format.ts';
import { openProgress } from '../ui/progress.ts';
import type { CommandContext } from '../ui/ui.ts';
import { formatBytes, harmless, jsonText } from '../text.ts';

type Options = OutputOptions & {
  out?: string;
  force?: boolean;
  allowExternal?: boolean;
  allowUnfit?: boolean;
  check?: boolean;
  json?: boolean;
};

/**
 * `vmkiln convert`: writes an image in another format and says what it made, one line or one JSON value.
 *
 * @throws VmkilnError USAGE, IMAGE_UNFIT, DISK_FULL, COMMAND_FAILED, INTERRUPTED: nothing is left then.
 */
export async function convert(image: string, options: Options, { signal, say, world }: CommandContext): Promise<void> {
  const output = outputFormatOf(options);
  const progress = openProgress(process.stderr, world.env);
  try {
    const files = await convertFile(image, output, {
      out: options.out ?? defaultOut(image, output),
      replace: options.force ?? false,
      allowExternal: options.allowExternal ?? false,
      allowUnfit: options.allowUnfit ?? false,
      check: options.check ?? false,
      signal,
      host: async () => (await import('../host/probe.ts')).probeAppliance(world, signal, say),
      progress: progress.show,
    });
    const text = options.json
      ? jsonText({ source: image, subformat: output.subformat, checked: options.check ?? false, files })
      : files
          .map(
            ({ file, format, fileSize }) => `${harmless(file, { oneLine: true })}  ${format}, ${formatBytes(fileSize)}`,
          )
          .join('\n');
    progress.close();
    process.stdout.write(`${text}\n`);
  } finally {
    progress.close();
  }
}
