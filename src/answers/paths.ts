type Syntax = hbs.AST.Node;

/** A name in a template that the view does not have. */
export type UnknownPath = { line: number; message: string };

/**
 * Every path of a parsed template that leads nowhere in the view. Inside `{{#each list}}` the first element stands for all;
 * what is inside the `{{#each}}` of an empty list cannot be checked.
 */
export function unknownPaths(program: hbs.AST.Program, view: unknown, helpers: readonly string[]): UnknownPath[] {
  const found: UnknownPath[] = [];
  const report = (node: Syntax, message: string) => found.push({ line: node.loc.start.line, message });

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
    if (node.params.length === 0 && !helpers.includes(name)) return expression(node.path, contexts);
    if (!helpers.includes(name)) report(node, `there is no helper "${name}"; there are ${helpers.join(', ')}`);
    expressions(node, contexts);
  };

  const block = (node: hbs.AST.BlockStatement, contexts: readonly unknown[]): void => {
    const name = (node.path as hbs.AST.PathExpression).original;
    if (!blocks.includes(name)) report(node, `there is no block "${name}"; there are ${blocks.join(', ')}`);
    expressions(node, contexts);
    const [subject] = node.params;
    const inner = name === 'each' && subject ? [first(value(subject, contexts)), ...contexts] : contexts;
    if (node.program) statements(node.program, inner);
    if (node.inverse) statements(node.inverse, contexts);
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
const blocks = ['if', 'unless', 'each'];
const quiet = ['ContentStatement', 'CommentStatement'];

function first(list: unknown): unknown {
  return Array.isArray(list) && list.length > 0 ? list[0] : unchecked;
}
