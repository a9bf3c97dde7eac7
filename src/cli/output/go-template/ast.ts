/** The parsed form of a template: nodes in source order, with the offsets that error messages quote. */
export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipe: Pipe }
  | { readonly kind: 'if' | 'with'; readonly pipe: Pipe; readonly body: Node[]; readonly otherwise: Node[] }
  | { readonly kind: 'range'; readonly pipe: Pipe; readonly body: Node[]; readonly otherwise: Node[] }
  | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | undefined; readonly at: number }
  | { readonly kind: 'break' | 'continue' };

export interface Pipe {
  /** `$x :=` declares, `$x =` assigns; range takes two. */
  readonly variables: readonly string[];
  readonly declares: boolean;
  readonly commands: readonly Call[];
  readonly at: number;
}

/** An operand, or a function or method with its arguments. */
export interface Call {
  readonly operands: readonly Operand[];
  readonly at: number;
}

export type Operand = { readonly at: number; readonly source: string } & (
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  | { readonly kind: 'dot' }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'field'; readonly path: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly path: readonly string[] }
);

export interface Template {
  readonly name: string;
  readonly source: string;
  readonly body: readonly Node[];
  /** Bodies of `define` and `block`. */
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}
