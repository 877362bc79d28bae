import { isDue, isInSight, Notify } from '../ends';

const ORIGIN = { notebook: 'a.ipynb', cell: 'c', version: '' };

/** A notebook with one cell, which stands at some pixels of the page. */
function notebook(top: number, bottom: number, isVisible = true): any {
  const node = { getBoundingClientRect: () => ({ top, bottom, height: bottom - top }) };
  return { isVisible, context: { path: 'a.ipynb' }, content: { widgets: [{ model: { id: 'c' }, node }] } };
}

it.each<[Notify, number, boolean, boolean]>([
  ['unseen', 20, false, true],
  ['unseen', 20, true, false],
  ['unseen', 5, false, false],
  ['always', 20, true, true],
  ['always', 5, true, false],
  ['never', 20, false, false]
])('with %s, of a job of %d s that is seen: %s', (notify, duration, isSeen, due) => {
  expect(isDue({ notify, notifyAfter: 10 }, duration, () => isSeen)).toBe(due);
});

it('sees a cell that is on the screen', () => {
  expect(isInSight(ORIGIN, [{ isVisible: true }, notebook(10, 90)])).toBe(true);
  expect(isInSight(ORIGIN, [notebook(-90, -10)])).toBe(false);
  expect(isInSight(ORIGIN, [notebook(window.innerHeight + 1, window.innerHeight + 80)])).toBe(false);
  expect(isInSight(ORIGIN, [notebook(0, 0)])).toBe(false);
  expect(isInSight(ORIGIN, [notebook(10, 90, false)])).toBe(false);
  expect(isInSight({ ...ORIGIN, notebook: 'b.ipynb' }, [notebook(10, 90)])).toBe(false);
});

it('needs no cell where none is known, but a notebook', () => {
  expect(isInSight({ ...ORIGIN, cell: '' }, [notebook(-90, -10)])).toBe(true);
  expect(isInSight({ ...ORIGIN, cell: 'gone' }, [notebook(10, 90)])).toBe(false);
  expect(isInSight(null, [notebook(10, 90)])).toBe(false);
});
