/** Tokens → template (text/template "Actions", "Pipelines", "Variables", "Nested template definitions"). */
import type { Call, Node, Operand, Pipe, Template } from './ast.ts';
import { lex, type Token, templateError, type WordToken } from './lex.ts';

/** Parse `source`; throws with the place of the mistake. `functions` are the names that may be called. */
export function parseTemplate(name: string, source: string, functions: ReadonlySet<string>): Template {
  const parser = new Parser(name, source, functions);
  const body = parser.body([]);
  return { name, source, body, defined: parser.defined };
}

/** A cursor over the tokens, with the variables that are in scope. */
class Parser {
  readonly defined = new Map<string, readonly Node[]>();
  readonly #tokens: Token[];
  readonly #name: string;
  readonly #source: string;
  readonly #functions: ReadonlySet<string>;
  #at = 0;
  #variables = ['$'];
  #rangeDepth = 0;

  constructor(name: string, source: string, functions: ReadonlySet<string>) {
    this.#name = name;
    this.#source = source;
    this.#functions = functions;
    this.#tokens = lex(name, source);
  }

  /** Nodes up to one of the `ends` keywords (which stays to be read), or to the end of the source. */
  body(ends: readonly string[]): Node[] {
    const nodes: Node[] = [];
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      if (token.kind === 'text') {
        this.#at++;
        nodes.push({ kind: 'text', text: token.text });
        continue;
      }
      const keyword = this.#peek(1);
      const word = keyword?.kind === 'word' ? keyword.text : '';
      if (ends.includes(word)) return nodes;
      this.#at++;
      const node = this.#action(word, token.at);
      if (node) nodes.push(node);
    }
    if (ends.length > 0) this.#fail(this.#source.length, 'unexpected EOF: {{end}} is missing');
    return nodes;
  }

  #action(keyword: string, at: number): Node | undefined {
    switch (keyword) {
      case 'if':
      case 'with':
      case 'range':
        this.#at++;
        return this.#control(keyword);
      case 'define':
        this.#at++;
        this.#define();
        return undefined;
      case 'block':
      case 'template':
        this.#at++;
        return this.#template(keyword, at);
      case 'break':
      case 'continue':
        if (this.#rangeDepth === 0) this.#fail(at, `{{${keyword}}} outside {{range}}`);
        this.#at++;
        this.#close();
        return { kind: keyword };
      case 'else':
      case 'end':
        return this.#fail(at, `unexpected {{${keyword}}}`);
      default: {
        const pipe = this.#pipe('command', false);
        this.#close();
        return { kind: 'print', pipe };
      }
    }
  }

  #control(kind: 'if' | 'with' | 'range'): Node {
    const scope = this.#variables.length;
    const pipe = this.#pipe(kind, kind === 'range');
    this.#close();
    this.#rangeDepth += kind === 'range' ? 1 : 0;
    const body = this.body(['else', 'end']);
    this.#rangeDepth -= kind === 'range' ? 1 : 0;
    const otherwise = this.#otherwise(kind);
    this.#variables.length = scope;
    return { kind, pipe, body, otherwise };
  }

  /** `{{end}}`, `{{else}} … {{end}}`, or `{{else if …}}`, which shares the `{{end}}` of what it continues. */
  #otherwise(kind: 'if' | 'with' | 'range'): Node[] {
    this.#at++;
    const keyword = this.#word();
    if (keyword.text === 'end') {
      this.#close();
      return [];
    }
    const next = this.#peek();
    if (next?.kind === 'word' && next.text === kind && kind !== 'range') {
      this.#at++;
      return [this.#control(kind)];
    }
    this.#close();
    const nodes = this.body(['end']);
    this.#end();
    return nodes;
  }

  #define(): void {
    const name = this.#quotedName('define');
    this.#close();
    this.#defineBody(name);
  }

  #template(kind: 'block' | 'template', at: number): Node {
    const name = this.#quotedName(kind);
    const pipe = this.#peek()?.kind === 'close' ? undefined : this.#pipe(kind, false);
    this.#close();
    if (kind === 'block') this.#defineBody(name);
    return { kind: 'template', name, pipe, at };
  }

  #defineBody(name: string): void {
    const outer = this.#variables;
    this.#variables = ['$'];
    this.defined.set(name, this.body(['end']));
    this.#end();
    this.#variables = outer;
  }

  #quotedName(where: string): string {
    const token = this.#word();
    if (token.kind !== 'string') return this.#unexpected(token, `${where} clause`);
    return unquote(token.text);
  }

  #end(): void {
    this.#at += 2;
    this.#close();
  }

  #pipe(where: string, isRange: boolean): Pipe {
    const at = this.#peek()?.at ?? this.#source.length;
    const { variables, declares } = this.#declaration(isRange);
    const commands = [this.#call(where)];
    while (this.#takeMark('|')) {
      const call = this.#call(where);
      if (call.operands[0]?.kind === 'constant' || call.operands[0]?.kind === 'dot') {
        this.#fail(call.at, `non executable command in pipeline stage ${commands.length + 1}`);
      }
      commands.push(call);
    }
    if (declares) this.#variables.push(...variables);
    return { variables, declares, commands, at };
  }

  /** `$x :=`, `$x =`, and in range `$i, $x :=`. */
  #declaration(isRange: boolean): { variables: string[]; declares: boolean } {
    const [first, mark, second, lastMark] = [0, 1, 2, 3].map((ahead) => this.#peek(ahead));
    const isVariable = (token: Token | undefined): token is WordToken => token?.kind === 'variable';
    const isMark = (token: Token | undefined, ...texts: string[]): token is WordToken =>
      token?.kind === 'mark' && texts.includes(token.text);
    if (isVariable(first) && isMark(mark, ':=', '=')) {
      this.#at += 2;
      return { variables: [first.text], declares: mark.text === ':=' };
    }
    if (isRange && isVariable(first) && isMark(mark, ',') && isVariable(second) && isMark(lastMark, ':=', '=')) {
      this.#at += 4;
      return { variables: [first.text, second.text], declares: lastMark.text === ':=' };
    }
    return { variables: [], declares: false };
  }

  #call(where: string): Call {
    const at = this.#peek()?.at ?? this.#source.length;
    const operands: Operand[] = [];
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      if (token.kind === 'close') break;
      if (token.kind === 'mark' && (token.text === '|' || token.text === ')')) break;
      operands.push(this.#operand(where));
    }
    if (operands.length === 0) this.#fail(at, `missing value for ${where}`);
    const [first] = operands;
    if (operands.length > 1 && (first?.kind === 'constant' || first?.kind === 'dot')) {
      this.#fail(at, `can't give argument to non-function ${first.source}`);
    }
    return { operands, at };
  }

  #operand(where: string): Operand {
    const token = this.#word();
    const operand = this.#term(token, where);
    const path = this.#path();
    const source = this.#source.slice(token.at, this.#previousEnd());
    if (operand.kind === 'field') return { ...operand, path: [...operand.path, ...path], source };
    if (operand.kind === 'variable' || operand.kind === 'pipe') return { ...operand, path, source };
    if (path.length > 0) this.#fail(token.at, `unexpected . after term ${JSON.stringify(operand.source)}`);
    return operand;
  }

  #term(token: WordToken, where: string): Operand {
    const { at, text } = token;
    const place = { at, source: text };
    switch (token.kind) {
      case 'field':
        return { ...place, kind: 'field', path: [text.slice(1)] };
      case 'variable':
        if (!this.#variables.includes(text)) this.#fail(at, `undefined variable ${JSON.stringify(text)}`);
        return { ...place, kind: 'variable', name: text, path: [] };
      case 'string':
        return { ...place, kind: 'constant', value: unquote(text) };
      case 'char':
        return { ...place, kind: 'constant', value: unquote(`"${text.slice(1, -1)}"`).codePointAt(0) ?? 0 };
      case 'number':
        return { ...place, kind: 'constant', value: numberFrom(text) };
      case 'word':
        return this.#namedTerm(token);
      case 'mark':
        if (text === '.') return { ...place, kind: 'dot' };
        if (text === '(') return this.#parenthesised(token);
    }
    return this.#unexpected(token, where);
  }

  #namedTerm({ at, text }: WordToken): Operand {
    const constants: Record<string, boolean | null> = { true: true, false: false, nil: null };
    const value = Object.hasOwn(constants, text) ? constants[text] : undefined;
    if (value !== undefined) return { at, source: text, kind: 'constant', value };
    if (!this.#functions.has(text)) this.#fail(at, `function ${JSON.stringify(text)} not defined`);
    return { at, source: text, kind: 'function', name: text };
  }

  #parenthesised({ at }: WordToken): Operand {
    const pipe = this.#pipe('parenthesized pipeline', false);
    if (!this.#takeMark(')')) this.#fail(at, 'unclosed left paren');
    return { at, source: this.#source.slice(at, this.#previousEnd()), kind: 'pipe', pipe, path: [] };
  }

  #path(): string[] {
    const path: string[] = [];
    for (let token = this.#peek(); token?.kind === 'field' && !token.spaced; token = this.#peek()) {
      path.push(token.text.slice(1));
      this.#at++;
    }
    return path;
  }

  #takeMark(text: string): boolean {
    const token = this.#peek();
    const found = token?.kind === 'mark' && token.text === text;
    if (found) this.#at++;
    return found;
  }

  #close(): void {
    const token = this.#peek();
    if (token?.kind === 'close') this.#at++;
    else if (token && 'spaced' in token) this.#unexpected(token, 'action');
    else this.#fail(this.#source.length, 'unclosed action');
  }

  #word(): WordToken {
    const token = this.#tokens[this.#at++];
    if (token && 'spaced' in token) return token;
    return this.#fail(token?.at ?? this.#source.length, 'missing value in action');
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  #previousEnd(): number {
    const token = this.#tokens[this.#at - 1];
    return token === undefined ? 0 : token.at + ('text' in token ? token.text.length : 0);
  }

  #unexpected(token: WordToken, where: string): never {
    return this.#fail(token.at, `unexpected ${JSON.stringify(token.text)} in ${where}`);
  }

  #fail(at: number, message: string): never {
    throw templateError(this.#name, this.#source, at, message);
  }
}

const escapes: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** A Go string literal's value: raw in back quotes, else with Go's escapes. */
function unquote(literal: string): string {
  const inner = literal.slice(1, -1);
  if (literal.startsWith('`')) return inner;
  return inner.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/g,
    (_all, x?: string, u?: string, long?: string, octal?: string, plain = '') => {
      const hex = x ?? u ?? long;
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
      return escapes[plain] ?? plain;
    },
  );
}

function numberFrom(text: string): number {
  const digits = text.replaceAll('_', '');
  const sign = digits.startsWith('-') ? -1 : 1;
  return sign * Number(digits.replace(/^[+-]/, ''));
}
