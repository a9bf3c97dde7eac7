/** One event as `events --format` sees it: Podman's fields (podman-events(1)), or Docker's (docs.docker.com "events"). */
import type { Event } from '../storage/event-log.ts';
import type { Context } from './context.ts';

/** In JSON each tool has its own members; templates may use the other's names as well. */
export function eventRow(event: Event, compat: Context['compat'], id: string): object {
  return compat === 'docker' ? dockerRow(event, id) : podmanRow(event, id);
}

function podmanRow(event: Event, id: string): object {
  const row = {
    ...(event.exitCode === undefined ? {} : { ContainerExitCode: event.exitCode }),
    ID: id,
    Image: event.image ?? '',
    Name: event.name,
    Status: event.status,
    Time: event.time,
    Type: event.type,
    Attributes: event.attributes,
  };
  const { Action, Actor, From, TimeNano } = dockerFields(event, id);
  return withHidden(row, { Action, Actor, From, TimeNano, ContainerExitCode: null });
}

function dockerRow(event: Event, id: string): object {
  const fields = dockerFields(event, id);
  const { Type, Action, Actor, Status: status, ID, From: from, Scope: scope, Time: time, TimeNano: timeNano } = fields;
  const row = { status, id: ID, from, Type, Action, Actor, scope, time, timeNano };
  return withHidden(row, { ...fields, Name: event.name, Image: event.image ?? '', Attributes: Actor.Attributes });
}

function dockerFields(event: Event, id: string) {
  const action = dockerAction(event);
  const ms = Date.parse(event.time);
  const image = event.image === undefined ? {} : { image: event.image };
  const exitCode = event.exitCode === undefined ? {} : { exitCode: String(event.exitCode) };
  return {
    Status: action,
    ID: id,
    From: event.image ?? '',
    Type: event.type,
    Action: action,
    Actor: { ID: event.id, Attributes: { ...event.attributes, ...exitCode, ...image, name: event.name } },
    Scope: 'local',
    Time: Math.floor(ms / 1000),
    TimeNano: ms * 1e6,
  };
}

/** Docker's words for two of Podman's. */
export function dockerAction({ type, status }: Event): string {
  if (type !== 'container') return status;
  return { died: 'die', remove: 'destroy' }[status] ?? status;
}

/** Members that templates find and JSON leaves out. */
function withHidden(row: object, hidden: Readonly<Record<string, unknown>>): object {
  for (const [name, value] of Object.entries(hidden)) {
    if (!Object.hasOwn(row, name)) Object.defineProperty(row, name, { value });
  }
  return row;
}
