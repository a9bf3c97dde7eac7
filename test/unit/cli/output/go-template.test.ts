import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../../../src/cli/output/go-template/template.ts';

const row = {
  ID: '4f5e6d7c8b9a',
  Names: ['web', 'app'],
  Labels: { tier: 'front', env: 'prod' },
  Size: 7796723,
  Ratio: 1.5,
  Big: 1e21,
  Empty: [],
  Nothing: null,
  State: { Running: true, ExitCode: 0, Health: { Status: 'healthy' } },
  NetworkSettings: {
    Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] },
    Networks: { a: { IPAddress: '10.0.0.2' } },
  },
  Mounts: [{ Source: '/src', Destination: '/dst' }],
  Label: (key: string) => ({ tier: 'front' })[key] ?? '',
};
const render = (source: string, value: unknown = row) => compileTemplate('ps', source)(value);

describe('compileTemplate [U] text/template', () => {
  it.each([
    ['plain', 'plain'],
    ['{{.ID}}', '4f5e6d7c8b9a'],
    ['{{ .ID }}: {{.Names}}', '4f5e6d7c8b9a: [web app]'],
    ['{{.Id}}', '4f5e6d7c8b9a'],
    ['{{.Labels}}', 'map[env:prod tier:front]'],
    ['{{.Size}} {{.Ratio}} {{.Big}}', '7796723 1.5 1e+21'],
    ['{{.State.Running}}', 'true'],
    ['{{.State.Nope}} {{.Nothing}}', '<no value> <no value>'],
    ['{{.Label "tier"}}', 'front'],
    ['{{json .Names}} {{json .Labels}}', '["web","app"] {"tier":"front","env":"prod"}'],
    ['{{.State | json}}', '{"Running":true,"ExitCode":0,"Health":{"Status":"healthy"}}'],
    ['{{join .Names ","}}', 'web,app'],
    ['{{range .Names}}{{.}};{{end}}', 'web;app;'],
    ['{{range $i, $n := .Names}}{{$i}}={{$n}} {{end}}', '0=web 1=app '],
    ['{{range $n := .Names}}{{$n}}{{end}}', 'webapp'],
    ['{{range .Empty}}x{{else}}none{{end}}', 'none'],
    ['{{range $k, $v := .Labels}}{{$k}}:{{$v}},{{end}}', 'env:prod,tier:front,'],
    ['{{range .Names}}{{if eq . "app"}}{{break}}{{end}}{{.}}{{end}}', 'web'],
    ['{{range .Names}}{{if eq . "web"}}{{continue}}{{end}}{{.}}{{end}}', 'app'],
    ['{{range 3}}{{.}}{{end}}', '012'],
    ['{{range .Mounts}}{{.Source}}:{{.Destination}} {{$.ID}}{{end}}', '/src:/dst 4f5e6d7c8b9a'],
    ['{{with .State}}{{.ExitCode}}{{end}}', '0'],
    ['{{with .Empty}}x{{else}}empty{{end}}', 'empty'],
    ['{{with .Empty}}x{{else with .ID}}{{.}}{{end}}', '4f5e6d7c8b9a'],
    ['{{if .State.Health}}{{.State.Health.Status}}{{end}}', 'healthy'],
    ['{{if .Empty}}a{{else if .Nothing}}b{{else}}c{{end}}', 'c'],
    ['{{if and .State.Running (eq .State.ExitCode 0)}}ok{{end}}', 'ok'],
    ['{{if or .Empty .Names}}yes{{end}}', 'yes'],
    ['{{not .Empty}}', 'true'],
    [
      '{{eq .ID "x" "4f5e6d7c8b9a"}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1 2}}',
      'true true true true true false',
    ],
    ['{{len .Names}} {{len .ID}} {{len .Labels}}', '2 12 2'],
    ['{{index .Labels "tier"}} {{index .Names 1}}', 'front app'],
    ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', '8080'],
    ['{{range $p, $c := .NetworkSettings.Ports}}{{$p}}->{{(index $c 0).HostPort}}{{end}}', '80/tcp->8080'],
    ['{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', '10.0.0.2'],
    ['{{slice .ID 0 4}} {{slice .Names 1}}', '4f5e [app]'],
    ['{{upper .ID}} {{lower "AB"}} {{title "a web app"}} {{trim " x "}}', '4F5E6D7C8B9A ab A Web App x'],
    ['{{split "a,b" ","}} {{truncate .ID 5}} [{{pad "x" 1 2}}]', '[a b] 4f5e6 [ x  ]'],
    [
      '{{printf "%-6s|%6s|%q|%d|%05d|%x|%.2f|%t|%v|%%" "ab" "cd" "e" 7 42 255 1.5 true .Labels}}',
      'ab    |    cd|"e"|7|00042|ff|1.50|true|map[env:prod tier:front]|%',
    ],
    ['{{printf "%s" .Names}} {{printf "%d" "x"}} {{printf "%d"}}', '[web app] %!d(string=x) %!d(MISSING)'],
    ['{{print 1 2 "a" 3}}{{println "x" 1}}', '1 2a3x 1\n'],
    ['{{.ID | printf "%.4s" | upper | printf "<%s>"}}', '<4F5E>'],
    ['{{html "<a>"}} {{urlquery "a b&c"}} {{js "it\'s"}}', "&lt;a&gt; a+b%26c it\\'s"],
    ['{{$x := .ID}}{{$x}}', '4f5e6d7c8b9a'],
    ['{{$x := 0}}{{range .Names}}{{$x = .}}{{end}}{{$x}}', 'app'],
    ['{{define "T"}}<{{.}}>{{end}}{{template "T" .ID}}{{template "T" 1}}', '<4f5e6d7c8b9a><1>'],
    ['{{block "B" .Size}}[{{.}}]{{end}}', '[7796723]'],
    ['a  {{- .State.ExitCode -}}  b', 'a0b'],
    ['a {{/* note */}} b {{- /* note */ -}} c', 'a  bc'],
    ['{{"a\\tb"}}{{`c\\t`}}', 'a\tbc\\t'],
    ["{{'a'}} {{0x10}} {{1_000}} {{-3}} {{nil | print}}", '97 16 1000 -3 <nil>'],
    ['{{and 0 (index .Names 9)}}', '0'],
  ])('renders %s', (source, output) => {
    expect(render(source)).toBe(output);
  });

  it.each([
    ['{{.Nope}}', 'template: ps:1:2: executing "ps" at <.Nope>: can\'t evaluate field Nope'],
    ['a\n  {{.ID', 'template: ps:2:2: unclosed action'],
    ['{{nope}}', 'template: ps:1:2: function "nope" not defined'],
    ['{{if}}x{{end}}', 'missing value for if'],
    ['{{if .ID}}', 'unexpected EOF'],
    ['{{end}}', 'unexpected {{end}}'],
    ['{{$x}}', 'undefined variable "$x"'],
    ['{{break}}', '{{break}} outside {{range}}'],
    ['{{"a}}', 'unterminated quoted string'],
    ['{{(.ID}}', 'unclosed left paren'],
    ['{{index .Names 9}}', 'error calling index: index out of range: 9'],
    ['{{lt 1 "a"}}', 'incompatible types for comparison'],
    ['{{.ID 1}}', '.ID has arguments but cannot be invoked as function'],
    ['{{1 2}}', "can't give argument to non-function 1"],
    ['{{.ID | 1}}', 'non executable command in pipeline stage 2'],
    ['{{template "X"}}', 'template "X" not defined'],
    ['{{define "T"}}{{template "T"}}{{end}}{{template "T"}}', 'exceeded maximum template depth'],
    ['{{range $x := .Names}}{{end}}{{$x}}', 'undefined variable "$x"'],
    ['{{.ID.Deeper}}', "can't evaluate field Deeper"],
  ])('refuses %s', (source, message) => {
    expect(() => render(source)).toThrow(message);
  });

  it('leaves text without actions as it is', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('{{')),
        (text) => {
          expect(render(text)).toBe(text);
        },
      ),
    );
  });

  it('prints any string value unchanged, and any JSON value through json', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (text, value) => {
        expect(render('{{.V}}', { V: text })).toBe(text);
        expect(JSON.parse(render('{{json .V}}', { V: value }))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('gives back any string literal', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(render(`{{${JSON.stringify(text)}}}`)).toBe(text);
      }),
    );
  });

  it('fails on any source only with a usage error', () => {
    const piece = fc.constantFrom(
      '{{',
      '}}',
      '{{-',
      '-}}',
      '.ID',
      '$x',
      ':=',
      'if',
      'range',
      'end',
      'else',
      '|',
      '(',
      ')',
      ' ',
      '"',
      'index',
      '1',
      '.Names',
      ',',
      'define',
      'template',
      'with',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        try {
          render(pieces.join(''));
        } catch (error) {
          expect(error).toMatchObject({ code: 'USAGE' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
