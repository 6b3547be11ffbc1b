type Syntax = hbs.AST.Node;

/** A name in a template that the view does not have, or has otherwise than it is used. */
export type UnknownPath = { line: number; message: string };

/**
 * Every path of a parsed template that leads nowhere in the view, or to what cannot be written as it is. Inside `{{#each list}}` the first element stands for all;
 * what is inside the `{{#each}}` of an empty list cannot be checked.
 */
export function unknownPaths(program: hbs.AST.Program, view: unknown, helpers: readonly string[]): UnknownPath[] {
  const found: UnknownPath[] = [];
  const report = (node: Syntax, message: string) => found.push({ line: node.loc.start.line, message });
  // What is in a branch that this view does not take may be of another kind than it is there.
  let isTaken = true;
  const within = (condition: boolean, work: () => void) => {
    const before = isTaken;
    isTaken &&= condition;
    work();
    isTaken = before;
  };

  const path = (node: hbs.AST.PathExpression, contexts: readonly unknown[]): unknown => {
    if (node.data) return undefined;
    let value = contexts[node.depth];
    for (const part of node.parts as string[]) {
      if (value === unchecked) return unchecked;
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) {
        report(node, `there is no "${node.original}"`);
        return unchecked;
      }
      value = (value as Record<string, unknown>)[part];
    }
    return value;
  };

  const expressions = (node: Call, contexts: readonly unknown[]) => {
    for (const argument of [...node.params, ...(node.hash?.pairs ?? []).map(({ value }) => value)])
      expression(argument, contexts);
  };

  const expression = (node: Syntax, contexts: readonly unknown[]): void => {
    if (node.type === 'PathExpression') path(node as hbs.AST.PathExpression, contexts);
    if (node.type === 'SubExpression') call(node as hbs.AST.SubExpression, contexts);
  };

  const call = (node: Call, contexts: readonly unknown[]): void => {
    const name = node.path.type === 'PathExpression' ? (node.path as hbs.AST.PathExpression).original : '';
    const isPlain = node.params.length === 0 && !helpers.includes(name);
    const [written] = isPlain ? [node.path] : node.params;
    if (written && isTaken) {
      const fault = misused(value(written, contexts), textOf(written), isPlain ? undefined : name);
      if (fault !== undefined) report(node, fault);
    }
    if (isPlain) return expression(node.path, contexts);
    if (!helpers.includes(name)) report(node, `there is no helper "${name}"; there are ${helpers.join(', ')}`);
    expressions(node, contexts);
  };

  const block = (node: hbs.AST.BlockStatement, contexts: readonly unknown[]): void => {
    const name = (node.path as hbs.AST.PathExpression).original;
    if (!blocks.includes(name)) report(node, `there is no block "${name}"; there are ${blocks.join(', ')}`);
    expressions(node, contexts);
    const [subject] = node.params;
    const inner = name === 'each' && subject ? [first(value(subject, contexts)), ...contexts] : contexts;
    const { program: main, inverse } = node;
    const isTrue = holds(subject ? value(subject, contexts) : unchecked);
    const isMain = name === 'unless' ? isTrue === false : isTrue === true;
    const isOther = name === 'unless' ? isTrue === true : isTrue === false;
    if (main) within(isMain, () => statements(main, inner));
    if (inverse) within(isOther, () => statements(inverse, contexts));
  };

  const value = (node: Syntax, contexts: readonly unknown[]): unknown => {
    const before = found.length;
    const result = node.type === 'PathExpression' ? path(node as hbs.AST.PathExpression, contexts) : unchecked;
    found.length = before;
    return result;
  };

  const statements = (node: hbs.AST.Program, contexts: readonly unknown[]): void => {
    for (const statement of node.body) {
      if (statement.type === 'MustacheStatement') call(statement as hbs.AST.MustacheStatement, contexts);
      else if (statement.type === 'BlockStatement') block(statement as hbs.AST.BlockStatement, contexts);
      else if (!quiet.includes(statement.type)) report(statement, `${statement.type} is not used in answer files`);
    }
  };

  statements(program, [view]);
  return found;
}

type Call = { type: string; loc: hbs.AST.SourceLocation; path: Syntax; params: Syntax[]; hash?: hbs.AST.Hash };

const unchecked = Symbol('unchecked');

/** What a condition comes to, by the rules of Handlebars; undefined where nobody knows. */
function holds(value: unknown): boolean | undefined {
  return value === unchecked ? undefined : Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function textOf(node: Syntax): string {
  return node.type === 'PathExpression' ? (node as hbs.AST.PathExpression).original : 'this';
}

/** What is wrong with writing a value, by itself or by a helper: a map would be written as `[object Object]`. */
function misused(value: unknown, name: string, helper: string | undefined): string | undefined {
  if (value === unchecked) return undefined;
  const isMap = typeof value === 'object' && value !== null;
  const isSecret = isMap && ('env' in value || 'file' in value);
  if (helper === 'secret') return isSecret ? undefined : `"${name}" is no secret: write {{${name}}}`;
  if (!isMap || (helper !== undefined && isSecret)) return undefined;
  if (isSecret) return `"${name}" is a secret: write {{secret ${name}}}`;
  return Array.isArray(value)
    ? `"${name}" is a list: write {{#each ${name}}}`
    : `"${name}" is a map: write one of its values, {{${name}.KEY}}`;
}
const blocks = ['if', 'unless', 'each'];
const quiet = ['ContentStatement', 'CommentStatement'];

function first(list: unknown): unknown {
  return Array.isArray(list) && list.length > 0 ? list[0] : unchecked;
}
