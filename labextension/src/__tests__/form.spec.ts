import { fieldsOf, RunForm, valueOf } from '../form';
import { IWorkflow } from '../protocol';

const trans: any = { __: (text: string) => text };
const input = (kind: string, name: string, more: Record<string, unknown> = {}) => ({
  id: name,
  type: `nodetool.input.${kind}Input`,
  data: { name, ...more }
});
const WORKFLOW: IWorkflow = {
  description: '<b>says</b> a word',
  graph: {
    nodes: [
      input('String', 'word', { value: 'tea' }),
      input('Integer', 'times', { value: 2 }),
      input('Boolean', 'twice', { value: true }),
      input('Select', 'tone', { value: 'soft', options: ['soft', 'loud', 3] }),
      input('Dataframe', 'table'),
      { id: 'o', type: 'nodetool.output.Output', data: { name: 'said' } }
    ],
    edges: []
  }
};
const STRATEGIES = [
  { name: 'docker', available: false, sentence: 'no engine' },
  { name: 'subprocess', available: true, sentence: '' },
  { name: 'threaded', available: true, sentence: '' }
];

const form = () => new RunForm(WORKFLOW, 'say', STRATEGIES, 'subprocess', trans);

it('has a field for each input', () => {
  expect(fieldsOf(WORKFLOW.graph.nodes).map(({ name, kind }) => [name, kind])).toEqual([
    ['word', 'text'],
    ['times', 'number'],
    ['twice', 'boolean'],
    ['tone', 'choice'],
    ['table', 'json']
  ]);
});

/** Type into the field of that number. */
function enter(asked: RunForm, number: number, text: string): void {
  const control = asked.node.querySelector<HTMLInputElement>(`#ntl-field-${number}`)!;
  control.value = text;
  control.dispatchEvent(new Event('input', { bubbles: true }));
}

it('gives what was changed; all else is left to the workflow', () => {
  const asked = form();
  const value = asked.getValue()!;
  expect(value.params).toEqual({});
  expect([value.name, value.strategy]).toEqual(['say', 'subprocess']);
  enter(asked, 0, 'milk');
  enter(asked, 3, 'loud');
  enter(asked, 4, ' ');
  expect(asked.getValue()!.params).toEqual({ word: 'milk', tone: 'loud' });
});

it('shows lines as lines, and a choice that is none of the options', () => {
  const nodes = [input('String', 'word', { value: 'a\nb' }), input('Select', 'tone', { value: 'odd', options: ['soft'] })];
  const { node } = new RunForm({ graph: { nodes, edges: [] } }, 'say', STRATEGIES, 'subprocess', trans);
  const controls = [...node.querySelectorAll<HTMLInputElement>('[id^="ntl-field-"]')];
  expect(controls.map(each => [each.tagName, each.value])).toEqual([
    ['TEXTAREA', 'a\nb'],
    ['SELECT', 'odd']
  ]);
});

it('says what will not do', () => {
  const asked = form();
  enter(asked, 1, 'two');
  expect(asked.getValue()).toBeNull();
  expect(asked.problem).toBe('times: a number is expected');
  enter(asked, 1, '3');
  expect(asked.getValue()!.params['times']).toBe(3);
  expect(asked.problem).toBe('');
  expect(() => valueOf({ name: 'table', kind: 'json', value: null, options: [] }, '{')).toThrow('table: JSON');
});

it('offers the strategies of a server, and names each control', () => {
  const { node } = form();
  const options = [...node.querySelectorAll<HTMLOptionElement>('#ntl-strategy option')];
  expect(options.map(each => [each.value, each.disabled])).toEqual([
    ['docker', true],
    ['subprocess', false]
  ]);
  expect(options[0]!.title).toBe('no engine');
  const labels = [...node.querySelectorAll('label')].map(each => each.htmlFor);
  expect(labels.every(id => node.querySelector(`[id="${id}"]`))).toBe(true);
  expect(node.querySelector('b')).toBeNull();
});
