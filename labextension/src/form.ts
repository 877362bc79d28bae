/**
 * What is asked before a workflow file runs: a field for each of its inputs, and the strategy.
 */

import { Dialog } from '@jupyterlab/apputils';
import { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { el, setText } from './dom';
import { IGraphNode, IStrategy, ISubmission, IWorkflow, KERNEL_ONLY } from './protocol';

const INPUT = /^nodetool\.input\.(\w+)Input$/;
const NUMBERS = new Set(['Integer', 'Float']);
const TEXTS = new Set(['String', 'FilePath', 'FolderPath', 'Model', 'Color']);

/** An input node as a field: how it is shown, and what its text stands for. */
export interface IField {
  name: string;
  kind: 'number' | 'boolean' | 'text' | 'choice' | 'json';
  value: unknown;
  options: string[];
}

/** The fields of a graph, in its order. */
export function fieldsOf(nodes: readonly IGraphNode[]): IField[] {
  const fields: IField[] = [];
  for (const node of nodes) {
    const found = INPUT.exec(node.type);
    const data = node.data ?? {};
    if (found && typeof data.name === 'string' && data.name) {
      fields.push({ name: data.name, kind: kindOf(found[1] ?? ''), value: data.value, options: choices(data) });
    }
  }
  return fields;
}

/** The value that a text stands for; undefined for an empty one. Throws a sentence. */
export function valueOf(field: IField, text: string): unknown {
  if (field.kind === 'text' || field.kind === 'choice') {
    return text;
  }
  if (!text.trim()) {
    return undefined;
  }
  try {
    const value = JSON.parse(text);
    if (field.kind === 'number' && typeof value !== 'number') {
      throw new Error();
    }
    return value;
  } catch {
    throw new Error(`${field.name}: ${field.kind === 'number' ? 'a number' : 'JSON'} is expected`);
  }
}

/** Its value is what is to be run; null where an entry will not do, which ``problem`` says. */
export class RunForm extends Widget implements Dialog.IBodyWidget<ISubmission | null> {
  constructor(
    private readonly _workflow: IWorkflow,
    private readonly _name: string,
    strategies: readonly IStrategy[],
    strategy: string,
    trans: TranslationBundle
  ) {
    super();
    this.addClass('ntl-form');
    if (_workflow.description) {
      this.node.append(el('p', { class: 'ntl-wide' }, _workflow.description));
    }
    this._fields = fieldsOf(_workflow.graph.nodes);
    this._fields.forEach((field, number) => this._add(`ntl-field-${number}`, field.name, controlOf(field)));
    for (const known of strategies.filter(each => each.name !== KERNEL_ONLY)) {
      const option = el('option', { value: known.name, title: known.sentence }, known.name);
      option.disabled = !known.available;
      this._strategy.append(option);
    }
    this._strategy.value = strategy;
    this._add('ntl-strategy', trans.__('Strategy'), this._strategy);
    this.node.append(this._problem);
    this.node.addEventListener('input', event => {
      this._changed.add((event.target as HTMLElement).id);
      this.getValue();
    });
  }

  /**
   * What is to be run; null for what can't be read, which is said then. Only what was changed is a param: all else
   * stays as the workflow has it, which no control could show in every detail.
   */
  getValue(): ISubmission | null {
    const params: Record<string, unknown> = {};
    try {
      this._fields.forEach((field, number) => {
        if (!this._changed.has(`ntl-field-${number}`)) {
          return;
        }
        const control = this.node.querySelector<HTMLInputElement>(`#ntl-field-${number}`)!;
        const value = field.kind === 'boolean' ? control.checked : valueOf(field, control.value);
        if (value !== undefined) {
          params[field.name] = value;
        }
      });
    } catch (error) {
      setText(this._problem, (error as Error).message);
      return null;
    }
    setText(this._problem, '');
    return { workflow: this._workflow, params, strategy: this._strategy.value, name: this._name };
  }

  get problem(): string {
    return this._problem.textContent ?? '';
  }

  private _add(id: string, label: string, control: HTMLElement): void {
    control.id = id;
    this.node.append(el('label', { for: id }, label), control);
  }

  private readonly _fields: IField[];
  private readonly _changed = new Set<string>();
  private readonly _strategy = el('select', { class: 'jp-mod-styled' });
  private readonly _problem = el('p', { class: 'ntl-wide', role: 'alert' });
}

function kindOf(word: string): IField['kind'] {
  if (NUMBERS.has(word)) {
    return 'number';
  }
  if (word === 'Boolean') {
    return 'boolean';
  }
  return word === 'Select' ? 'choice' : TEXTS.has(word) ? 'text' : 'json';
}

function choices(data: Record<string, unknown>): string[] {
  return Array.isArray(data.options) ? data.options.filter(each => typeof each === 'string') : [];
}

function controlOf(field: IField): HTMLElement {
  if (field.kind === 'boolean') {
    const box = el('input', { type: 'checkbox' });
    box.checked = field.value === true;
    return box;
  }
  if (field.kind === 'choice') {
    const select = el('select', { class: 'jp-mod-styled' });
    const own = typeof field.value === 'string' && !field.options.includes(field.value) ? [field.value] : [];
    select.append(...[...own, ...field.options].map(value => el('option', { value }, value)));
    select.value = String(field.value ?? field.options[0] ?? '');
    return select;
  }
  const text = typeof field.value === 'string' ? field.value : JSON.stringify(field.value ?? '');
  const control =
    field.kind === 'json' || text.includes('\n')
      ? el('textarea', { class: 'jp-mod-styled', rows: '3' })
      : el('input', { class: 'jp-mod-styled', type: 'text' });
  control.value = field.value === undefined || field.value === null ? '' : text;
  return control;
}
