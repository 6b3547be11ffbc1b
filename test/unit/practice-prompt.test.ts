import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

const program = `
import json, sys
import prompt
def command(line):
    ran.append(line)
    return int(line[-1]) if line[-1].isdigit() else 0
out = []
for line in json.loads(sys.argv[1]):
    ran = []
    out.append([prompt.run(line, command), ran])
print(json.dumps(out))
`;

/** The practice Windows judges commands of recipes: what it runs of a line, and with which status. */
test('a line at the prompt of the practice Windows runs as cmd runs it', () => {
  const lines: [string, number, string[]][] = [
    ['a 1 && b', 1, ['a 1']],
    ['a 1 || b', 0, ['a 1', 'b']],
    ['a 1 & b', 0, ['a 1', 'b']],
    ['a && (b 2 || c 3) & d', 0, ['a', 'b 2', 'c 3', 'd']],
    ['a "x && y" 2>&1 & b 4', 4, ['a "x && y" 2>&1', 'b 4']],
    ['a ^& b 5', 5, ['a ^& b 5']],
    ['a | b 6', 6, ['a | b 6']],
  ];
  const env = { ...process.env, PYTHONPATH: 'src/rehearsal/windows/setup' };
  const given = JSON.stringify(lines.map(([line]) => line));
  const seen = JSON.parse(execFileSync('python3', ['-B', '-c', program, given], { encoding: 'utf8', env }));
  expect(seen).toEqual(lines.map(([, status, ran]) => [status, ran]));
});
