import type { Verdict } from '../verify/verdict.ts';
import type { KeyObject } from 'node:crypto';
import type { Plan } from '../model.ts';
import { seal } from './envelope.ts';
import type { Inventory } from './inventory.ts';
import { type Documents, inBuild, testResultName } from './names.ts';
import { sbomOf } from './sbom.ts';
import { type Made, provenance, type Resource, sha256Of, type Statement, testResults } from './statements.ts';

/**
 * All that is written about an image. The statements come one in a line, each in an envelope, signed when there is a key. The provenance has the
 * digests of all else, so that nothing can be exchanged or left out.
 *
 * @param made.image named as its file is.
 */
export function documentsOf(
  inventory: Inventory,
  plan: Plan,
  made: Made,
  { verdict, key }: { verdict?: Verdict | undefined; key?: KeyObject | undefined },
): Documents {
  const { image } = made;
  const texts = {
    inventory: `${JSON.stringify(inventory, null, 2)}\n`,
    sbom: sbomOf(inventory, plan.vmkiln),
  };
  const tested = verdict && textOf(testResults(verdict, image, plan));
  const resource = (name: string, text: string): Resource => ({ name, digest: { sha256: sha256Of(text) } });
  const byproducts = [
    resource(inBuild.inventory, texts.inventory),
    resource(inBuild.sbom, texts.sbom),
    ...(tested === undefined ? [] : [resource(testResultName, tested)]),
  ];
  const statements = [
    textOf(provenance(plan, made, byproducts, inventory.repositories)),
    ...(tested === undefined ? [] : [tested]),
  ];
  return { ...texts, statements: statements.map((text) => `${JSON.stringify(seal(text, key))}\n`).join('') };
}

function textOf(statement: Statement): string {
  return JSON.stringify(statement);
}
