/** fmt.Sprintf for the verbs that make sense in templates: v s d q x X o b c t f e g T U and %%. */
import { isRecord, printed, toJson, type Value } from './value.ts';

interface Spec {
  readonly flags: string;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly verb: string;
}

export function printf(format: string, values: readonly Value[]): string {
  const rest = [...values];
  const take = () => (rest.length > 0 ? { value: rest.shift() } : undefined);
  const star = (text: string | undefined) => {
    if (text === undefined) return undefined;
    return text === '*' ? Number(take()?.value ?? 0) : Number(text);
  };
  const text = format.replace(
    /%([-+# 0]*)(\d+|\*)?(?:\.(\d*|\*))?([a-zA-Z%])/g,
    (_all, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      const spec = { flags, width: star(width), precision: star(precision), verb };
      const argument = take();
      return argument === undefined ? `%!${verb}(MISSING)` : pad(formatted(spec, argument.value), spec);
    },
  );
  const extra = rest.map((value) => `${typeName(value)}=${printed(value)}`);
  return extra.length > 0 ? `${text}%!(EXTRA ${extra.join(', ')})` : text;
}

function formatted(spec: Spec, value: Value): string {
  const { verb, precision, flags } = spec;
  if (verb === 'v') return flags.includes('#') ? toJson(value) : printed(value);
  if (verb === 'T') return typeName(value);
  if (Array.isArray(value)) return `[${value.map((item) => formatted(spec, item)).join(' ')}]`;
  if (verb === 't' && typeof value === 'boolean') return String(value);
  if (typeof value === 'number' || typeof value === 'bigint') return formattedNumber(spec, value);
  if (typeof value === 'string') {
    if (verb === 's') return precision === undefined ? value : [...value].slice(0, precision).join('');
    if (verb === 'q') return flags.includes('#') && !value.includes('`') ? `\`${value}\`` : JSON.stringify(value);
    if (verb === 'x') return Buffer.from(value).toString('hex');
    if (verb === 'X') return Buffer.from(value).toString('hex').toUpperCase();
  }
  if (verb === 's' && isRecord(value)) return printed(value);
  return `%!${verb}(${typeName(value)}=${printed(value)})`;
}

function formattedNumber({ verb, precision, flags }: Spec, value: number | bigint): string {
  const sign = flags.includes('+') && value >= 0 ? '+' : flags.includes(' ') && value >= 0 ? ' ' : '';
  const whole = typeof value === 'bigint' || Number.isInteger(value);
  const radix = { d: 10, x: 16, X: 16, o: 8, b: 2 }[verb];
  if (radix !== undefined && whole) {
    const digits = value.toString(radix);
    const prefix = flags.includes('#') ? ({ x: '0x', X: '0X', o: '0', b: '0b' }[verb] ?? '') : '';
    return sign + prefix + (verb === 'X' ? digits.toUpperCase() : digits);
  }
  if (verb === 'f' || verb === 'F') return sign + Number(value).toFixed(precision ?? 6);
  if (verb === 'e')
    return (
      sign +
      Number(value)
        .toExponential(precision ?? 6)
        .replace(/e([+-])(\d)$/, 'e$10$2')
    );
  if (verb === 'g') return sign + printed(precision ? Number(Number(value).toPrecision(precision)) : Number(value));
  if (verb === 'c' && whole) return String.fromCodePoint(Number(value));
  if (verb === 'q' && whole) return `'${String.fromCodePoint(Number(value))}'`;
  if (verb === 'U' && whole) return `U+${value.toString(16).toUpperCase().padStart(4, '0')}`;
  return `%!${verb}(${typeName(value)}=${printed(value)})`;
}

function pad(text: string, { flags, width, verb }: Spec): string {
  if (width === undefined) return text;
  const missing = Math.abs(width) - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes('-') || width < 0) return text + ' '.repeat(missing);
  if (!flags.includes('0') || !'dxXobfFeg'.includes(verb)) return ' '.repeat(missing) + text;
  const [, sign = '', digits = ''] = /^([+-]?)([\s\S]*)$/.exec(text) ?? [];
  return sign + '0'.repeat(missing) + digits;
}

function typeName(value: Value): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  return Array.isArray(value) ? '[]interface {}' : 'map[string]interface {}';
}
