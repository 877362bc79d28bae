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

it('gives the values as they stand; what is empty is left to the workflow', () => {
  const value = form().getValue()!;
  expect(value.params).toEqual({ word: 'tea', times: 2, twice: true, tone: 'soft' });
  expect([value.name, value.strategy]).toEqual(['say', 'subprocess']);
});

it('says what will not do', () => {
  const asked = form();
  const times = asked.node.querySelector<HTMLInputElement>('#ntl-field-1')!;
  times.value = 'two';
  expect(asked.getValue()).toBeNull();
  expect(asked.problem).toBe('times: a number is expected');
  times.value = '3';
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
