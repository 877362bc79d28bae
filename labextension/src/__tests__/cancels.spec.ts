import { cancelFromViews } from '../cancels';
import { Jobs } from '../jobs';

/** Jobs as far as they are looked at: one that runs, `a`, and one that has ended, `b`. */
function known(): any {
  const records: any = { a: { id: 'a', status: 'running' }, b: { id: 'b', status: 'completed' } };
  const listeners: (() => void)[] = [];
  return {
    isConnected: true,
    get: (id: string) => records[id] && { record: records[id] },
    changed: { connect: (listener: () => void) => listeners.push(listener), disconnect: jest.fn() },
    tell: () => listeners.forEach(listener => listener())
  };
}

function show(className: string): HTMLButtonElement {
  document.body.innerHTML = `<div><button class="${className}"><i>Cancel</i></button></div>`;
  return document.querySelector('button')!;
}

const settle = () => new Promise(resolve => setTimeout(resolve, 5));

it('cancels the job of a button that is clicked, also by what is in it', async () => {
  const cancel = jest.fn().mockResolvedValue(true);
  const stop = cancelFromViews(known() as Jobs, cancel);
  const button = show('jupyter-button ntj-cancel ntj-job-a');
  const own = jest.fn();
  button.addEventListener('click', own);
  button.querySelector('i')!.click();
  await settle();
  expect(cancel.mock.calls).toEqual([['a']]);
  expect(own).toHaveBeenCalled();
  expect(button.disabled).toBe(true);
  stop.dispose();
  button.disabled = false;
  button.click();
  expect(cancel).toHaveBeenCalledTimes(1);
});

it('leaves a button that the server could not help with as it was', async () => {
  const stop = cancelFromViews(known() as Jobs, jest.fn().mockResolvedValue(false));
  const button = show('ntj-job-a');
  button.click();
  await settle();
  expect(button.disabled).toBe(false);
  stop.dispose();
});

it.each([['ntj-job-b'], ['ntj-job-c'], ['ntj-cancel'], ['ntj-job-']])('asks nothing for %s', async className => {
  const cancel = jest.fn().mockResolvedValue(true);
  const stop = cancelFromViews(known() as Jobs, cancel);
  const button = show(className);
  button.click();
  await settle();
  expect(cancel).not.toHaveBeenCalled();
  expect(button.disabled).toBe(false);
  stop.dispose();
});

it('says in the page whether it can', () => {
  const jobs = known();
  const stop = cancelFromViews(jobs as Jobs, jest.fn());
  jobs.tell();
  expect('nodetool' in document.body.dataset).toBe(true);
  jobs.isConnected = false;
  jobs.tell();
  expect('nodetool' in document.body.dataset).toBe(false);
  jobs.isConnected = true;
  jobs.tell();
  stop.dispose();
  expect('nodetool' in document.body.dataset).toBe(false);
});
