import { describe, expect, it } from 'vitest';
import { formatList, formatOne } from '../../../../src/cli/output/format.ts';

const listing = {
  name: 'images',
  rows: [
    { ID: 'aaa', Repository: 'docker.io/library/alpine', Tag: 'latest' },
    { ID: 'bbb', Repository: 'localhost/x', Tag: '1' },
  ],
  defaultFormat: 'table {{.Repository}}\t{{.Tag}}\t{{.ID}}',
  titles: { ID: 'IMAGE ID' },
};
const podman = { compat: 'podman' } as const;

describe('formatList [U]', () => {
  it('aligns a table as tabwriter does: 12 columns at least, two spaces between', () => {
    expect(formatList(listing, podman)).toBe(
      [
        'REPOSITORY                TAG         IMAGE ID',
        'docker.io/library/alpine  latest      aaa',
        'localhost/x               1           bbb',
        '',
      ].join('\n'),
    );
  });

  it('prints the titles alone when there are no rows, and nothing without titles', () => {
    expect(formatList({ ...listing, rows: [] }, podman)).toBe('REPOSITORY  TAG         IMAGE ID\n');
    expect(formatList({ ...listing, rows: [] }, { ...podman, noHeading: true })).toBe('');
  });

  it.each([
    ['{{.ID}}', 'aaa\nbbb\n'],
    ['{{.ID}}\\t{{.Tag}}', 'aaa\tlatest\nbbb\t1\n'],
    ['{{.ID}}\\n', 'aaa\nbbb\n'],
    ['table {{.ID}}\\t{{upper .Tag}}', 'IMAGE ID    TAG\naaa         LATEST\nbbb         1\n'],
    ['table {{.ID}} {{.Tag}}', 'IMAGE ID TAG\naaa latest\nbbb 1\n'],
    ['{{range .}}{{.ID}},{{end}}', 'aaa,bbb,\n'],
    ['{{printf "%s\\t|" .ID}}', 'aaa\t|\nbbb\t|\n'],
    [
      '{{json .}}',
      '{"ID":"aaa","Repository":"docker.io/library/alpine","Tag":"latest"}\n{"ID":"bbb","Repository":"localhost/x","Tag":"1"}\n',
    ],
  ])('prints --format %s', (format, text) => {
    expect(formatList(listing, { ...podman, format })).toBe(text);
  });

  it('prints JSON as one array for Podman, one object per line for Docker', () => {
    expect(JSON.parse(formatList(listing, { ...podman, format: 'json' }))).toEqual(listing.rows);
    const lines = formatList(listing, { compat: 'docker', format: 'json' }).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(listing.rows);
  });

  it('names a column by the label that it shows', () => {
    const rows = [{ Label: (key: string) => key.length }];
    const text = formatList({ ...listing, rows }, { ...podman, format: 'table {{.Label "com.example.tier"}}' });
    expect(text).toBe('tier\n16\n');
  });
});

describe('formatOne [U]', () => {
  it('ends with a newline, whatever the format', () => {
    const print = (format?: string) => formatOne('version', { A: 1 }, format, () => 'text\n');
    expect([print(), print('json'), print('{{.A}}'), print('{{println .A}}')]).toEqual([
      'text\n',
      '{"A":1}\n',
      '1\n',
      '1\n',
    ]);
  });
});
