/** Run a parsed template over a value (text/template): dot, variables, pipelines, and where it went wrong. */
import { CtrError } from '../../../base/ctr-error.ts';
import type { Call, Node, Operand, Pipe, Template } from './ast.ts';
import { callFunction, functions, lazyFunctions } from './functions.ts';
import { templateError } from './lex.ts';
import { isRecord, isTrue, member, printed, shown, sortedKeys, type Value } from './value.ts';

/** The output of `template` with `data` as `.` and `$`. A field that `data` itself lacks is an error, deeper ones are `<no value>`. */
export function execute(template: Template, data: Value): string {
  const state: State = { template, root: data, output: [], scope: [{ name: '$', value: data }], depth: 0 };
  walk(state, template.body, data);
  return state.output.join('');
}

interface State {
  readonly template: Template;
  readonly root: Value;
  readonly output: string[];
  /** Innermost last. */
  readonly scope: Array<{ readonly name: string; value: Value }>;
  readonly depth: number;
}

type Flow = 'break' | 'continue' | undefined;

function walk(state: State, nodes: readonly Node[], dot: Value): Flow {
  for (const node of nodes) {
    const flow = step(state, node, dot);
    if (flow) return flow;
  }
  return undefined;
}

function step(state: State, node: Node, dot: Value): Flow {
  switch (node.kind) {
    case 'text':
      state.output.push(node.text);
      return undefined;
    case 'print': {
      const value = pipeValue(state, node.pipe, dot);
      if (node.pipe.variables.length === 0) state.output.push(shown(value));
      return undefined;
    }
    case 'if':
    case 'with':
      return scoped(state, () => {
        const value = pipeValue(state, node.pipe, dot);
        if (!isTrue(value)) return walk(state, node.otherwise, dot);
        return walk(state, node.body, node.kind === 'with' ? value : dot);
      });
    case 'range':
      return scoped(state, () => range(state, node, dot));
    case 'template':
      call(state, node, dot);
      return undefined;
    default:
      return node.kind;
  }
}

function scoped(state: State, run: () => Flow): Flow {
  const size = state.scope.length;
  const flow = run();
  state.scope.length = size;
  return flow;
}

function range(state: State, node: Extract<Node, { kind: 'range' }>, dot: Value): Flow {
  const { variables, declares, commands, at } = node.pipe;
  const entries = entriesOf(state, commandsValue(state, commands, dot), at);
  const set = (name: string | undefined, value: Value) => {
    if (name === undefined) return;
    if (declares) state.scope.push({ name, value });
    else assign(state, name, value);
  };
  for (const [key, value] of entries) {
    const flow = scoped(state, () => {
      set(variables.length === 2 ? variables[0] : undefined, key);
      set(variables.at(-1), value);
      return walk(state, node.body, value);
    });
    if (flow === 'break') break;
  }
  return entries.length === 0 ? walk(state, node.otherwise, dot) : undefined;
}

function entriesOf(state: State, value: Value, at: number): Array<readonly [Value, Value]> {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.map((item, index) => [index, item] as const);
  if (isRecord(value)) return sortedKeys(value).map((key) => [key, value[key]] as const);
  if (typeof value === 'number' && Number.isInteger(value)) {
    return Array.from({ length: Math.max(0, value) }, (_, index) => [index, index] as const);
  }
  return fail(state, at, `range can't iterate over ${printed(value)}`);
}

const maxDepth = 1000;

function call(state: State, node: Extract<Node, { kind: 'template' }>, dot: Value): void {
  const body = state.template.defined.get(node.name);
  if (body === undefined) fail(state, node.at, `template ${JSON.stringify(node.name)} not defined`);
  if (state.depth >= maxDepth) fail(state, node.at, `exceeded maximum template depth (${maxDepth})`);
  const data = node.pipe === undefined ? undefined : pipeValue(state, node.pipe, dot);
  walk({ ...state, scope: [{ name: '$', value: data }], depth: state.depth + 1 }, body, data);
}

function pipeValue(state: State, pipe: Pipe, dot: Value): Value {
  const value = commandsValue(state, pipe.commands, dot);
  const [name] = pipe.variables;
  if (name !== undefined && pipe.declares) state.scope.push({ name, value });
  else if (name !== undefined) assign(state, name, value);
  return value;
}

function assign(state: State, name: string, value: Value): void {
  const variable = state.scope.findLast((each) => each.name === name);
  if (variable) variable.value = value;
}

function commandsValue(state: State, commands: readonly Call[], dot: Value): Value {
  let piped: readonly Value[] = [];
  for (const command of commands) piped = [callValue(state, command, dot, piped)];
  return piped[0];
}

/** A command of a pipeline; the result of the one before is its last argument. */
function callValue(state: State, { operands }: Call, dot: Value, piped: readonly Value[]): Value {
  const [first, ...rest] = operands;
  if (first === undefined) return undefined;
  const args = rest.map((operand) => () => operandValue(state, operand, dot, []));
  const given = [...args, ...piped.map((value) => () => value)];
  if (first.kind === 'function') {
    const source = state.template.source.slice(
      first.at,
      (rest.at(-1)?.at ?? first.at) + (rest.at(-1) ?? first).source.length,
    );
    return functionValue(state, { ...first, source }, given);
  }
  return operandValue(state, first, dot, given);
}

function functionValue(
  state: State,
  { name, at, source }: Extract<Operand, { kind: 'function' }>,
  args: ReadonlyArray<() => Value>,
): Value {
  const decides = lazyFunctions.get(name);
  if (decides) {
    if (args.length === 0) fail(state, at, `wrong number of args for ${name}: want at least 1 got 0`);
    let last: Value;
    for (const value of args) {
      last = value();
      if (decides(last)) break;
    }
    return last;
  }
  const target = functions[name];
  if (target === undefined) return fail(state, at, `function ${JSON.stringify(name)} not defined`);
  const values = args.map((value) => value());
  try {
    return callFunction(name, target, values);
  } catch (error) {
    if (!(error instanceof CtrError)) throw error;
    return fail(
      state,
      at,
      `executing ${JSON.stringify(state.template.name)} at <${source}>: error calling ${name}: ${error.message}`,
    );
  }
}

/** An operand; `args` go to the last member of its path when that is a method. */
function operandValue(state: State, operand: Operand, dot: Value, args: ReadonlyArray<() => Value>): Value {
  switch (operand.kind) {
    case 'constant':
      return operand.value;
    case 'dot':
      return dot;
    case 'function':
      return functionValue(state, operand, args);
    case 'field':
      return follow(state, operand, dot, operand.path, args);
    case 'variable':
      return follow(
        state,
        operand,
        state.scope.findLast(({ name }) => name === operand.name)?.value,
        operand.path,
        args,
      );
    case 'pipe':
      return follow(state, operand, pipeValue(state, operand.pipe, dot), operand.path, args);
  }
}

function follow(
  state: State,
  operand: Operand,
  start: Value,
  path: readonly string[],
  args: ReadonlyArray<() => Value>,
): Value {
  let value = start;
  let called = false;
  for (const [index, name] of path.entries()) {
    const found = isRecord(value) ? member(value, name) : undefined;
    if (found === undefined) failOnMissing(state, operand, value, name);
    value = found?.value;
    if (typeof value !== 'function') continue;
    called = index === path.length - 1;
    value = value(...(called ? args.map((argument) => argument()) : []));
  }
  if (args.length > 0 && !called)
    fail(
      state,
      operand.at,
      `executing ${JSON.stringify(state.template.name)} at <${operand.source}>: ${operand.source} has arguments but cannot be invoked as function`,
    );
  return value;
}

function failOnMissing(state: State, operand: Operand, value: Value, name: string): void {
  const scalar = value !== null && value !== undefined && !isRecord(value);
  if (value !== state.root && !scalar) return;
  const type = isRecord(value) ? 'this object' : printed(value);
  fail(
    state,
    operand.at,
    `executing ${JSON.stringify(state.template.name)} at <${operand.source}>: can't evaluate field ${name} in ${type}`,
  );
}

function fail(state: State, at: number, message: string): never {
  throw templateError(state.template.name, state.template.source, at, message);
}
