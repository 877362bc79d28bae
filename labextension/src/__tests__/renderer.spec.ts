import { rendererFactory, RUN_TYPE } from '../renderer';

const hostile = '<img src=x onerror=alert(1)>';

async function shown(run: unknown): Promise<HTMLElement> {
  const renderer = rendererFactory.createRenderer({ mimeType: RUN_TYPE } as any);
  await renderer.renderModel({ data: { [RUN_TYPE]: run } } as any);
  return renderer.node;
}

it('says what a run has left', async () => {
  const counts = { completed: 3, error: 1 };
  const fault = { code: 'node_error', message: 'no such file' };
  const node = await shown({ status: 'failed', name: 'sales', strategy: 'threaded', counts, outputs: { sums: 2 }, fault });
  expect(node.textContent).toBe('failed salesthreaded · 3 completed · 1 errorsums (2)no such file');
});

it.each([undefined, null, {}, [], 'x', { outputs: 7, counts: null, fault: {} }])('makes do with %j', async run => {
  expect((await shown(run)).querySelector('.ntl-state')).not.toBeNull();
});

it('puts nothing into the page but text', async () => {
  const node = await shown({ status: hostile, name: hostile, counts: { [hostile]: hostile }, fault: { message: hostile } });
  expect(node.querySelector('img')).toBeNull();
  expect(node.textContent).toContain(hostile);
});

it('comes after the HTML, which shows more', () => {
  expect([rendererFactory.safe, rendererFactory.defaultRank! > 50]).toEqual([true, true]);
});
