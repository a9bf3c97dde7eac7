/** FROM (reference, "FROM"): `FROM [--platform=P] IMAGE [AS NAME]`. */
import type { Arguments } from './arguments.ts';
import { checkFlags } from './flags.ts';
import type { FromInstruction } from './instruction.ts';
import { splitAtSpaces } from './words.ts';

export function parseFrom({ line, keyword, base, flags, rest }: Arguments): FromInstruction {
  const platform = checkFlags(line, flags, { platform: 'string' }, keyword).string('platform');
  const [image, as, name, tooMany] = splitAtSpaces(line.text.trimEnd(), rest.start);
  if (image === undefined) throw line.error('FROM needs an image');
  const from = { kind: 'from', ...base, image: image.text, ...(platform === undefined ? {} : { platform }) } as const;
  if (as === undefined) return from;
  const hint = 'write FROM image, or FROM image AS name';
  if (as.text.toUpperCase() !== 'AS') throw line.error(`FROM: unexpected ${JSON.stringify(as.text)}`, as, hint);
  if (name === undefined) throw line.error('FROM: a name is missing behind AS', as, hint);
  if (tooMany) throw line.error(`FROM: unexpected ${JSON.stringify(tooMany.text)}`, tooMany, hint);
  if (!/^[a-z][a-z0-9-_.]*$/.test(name.text.toLowerCase())) {
    const rule = 'a stage name begins with a letter and has only letters, digits, -, _ and .';
    throw line.error(`invalid stage name ${JSON.stringify(name.text)}`, name, rule);
  }
  return { ...from, name: name.text.toLowerCase(), writtenName: name.text, asKeyword: as.text };
}
