/** Words of an instruction's arguments, with their places: by white space alone, or minding quotes as a shell does. */

export interface Token {
  readonly text: string;
  /** Offsets in the logical line. */
  readonly start: number;
  readonly end: number;
}

/** FROM, EXPOSE, COPY, ADD, VOLUME: quotes mean nothing (a path with a blank needs the JSON form). */
export function splitAtSpaces(text: string, from = 0): Token[] {
  const token = (match: RegExpExecArray) => {
    return { text: match[0], start: match.index, end: match.index + match[0].length };
  };
  return [...text.slice(from).matchAll(/\S+/g)].map((match) => {
    const found = token(match);
    return { text: found.text, start: found.start + from, end: found.end + from };
  });
}

/** ENV, LABEL, ARG, here-documents: blanks inside quotes or behind the escape character do not separate. Quotes stay. */
export function splitQuoted(text: string, escapeCharacter: string, from = 0): Token[] {
  const tokens: Token[] = [];
  let start = -1;
  let quote = '';
  for (let at = from; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote === '' && /\s/.test(char)) {
      if (start >= 0) tokens.push({ text: text.slice(start, at), start, end: at });
      start = -1;
      continue;
    }
    if (start < 0) start = at;
    if (char === escapeCharacter && quote !== "'") at++;
    else if (quote === char) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
  }
  if (start >= 0) tokens.push({ text: text.slice(start), start, end: text.length });
  return tokens;
}
