import { nameSliders } from '../names';

function show(field: string): HTMLElement {
  document.body.innerHTML = `<div class="${field}"><label>times</label><div role="slider" tabindex="0"></div></div>`;
  return document.querySelector<HTMLElement>('[role="slider"]')!;
}

it('calls a slider what its field is called', () => {
  const stop = nameSliders();
  const slider = show('ntj-field');
  slider.focus();
  expect(slider.getAttribute('aria-label')).toBe('times');
  const others = show('somebody-else');
  others.focus();
  expect(others.hasAttribute('aria-label')).toBe(false);
  stop.dispose();
  const late = show('ntj-field');
  late.focus();
  expect(late.hasAttribute('aria-label')).toBe(false);
});
