/** What `ctr system check` finds, and how its parts report it. */
export interface Problem {
  readonly kind:
    | 'blob'
    | 'layer'
    | 'link'
    | 'record'
    | 'tag'
    | 'reference'
    | 'orphan'
    | 'container'
    | 'name'
    | 'volume'
    | 'network'
    | 'secret';
  readonly path: string;
  readonly message: string;
  readonly isRepaired: boolean;
}

/** Says what is wrong, and with `repair` puts it right where that was asked for. */
export type Report = (
  kind: Problem['kind'],
  path: string,
  message: string,
  repair?: () => void | Promise<void>,
) => Promise<void>;
