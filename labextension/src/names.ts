/**
 * Names that ipywidgets leave out: the slider of a panel's field is called what the field is, for screen readers.
 */

import { DisposableDelegate, IDisposable } from '@lumino/disposable';

const SLIDER = '.ntj-field [role="slider"]:not([aria-label])';

/** Name each slider when it is reached. */
export function nameSliders(): IDisposable {
  const onFocus = (event: Event) => {
    const slider = event.target instanceof Element ? event.target.closest(SLIDER) : null;
    const label = slider?.closest('.ntj-field')?.querySelector('label')?.textContent;
    if (slider && label) {
      slider.setAttribute('aria-label', label);
    }
  };
  document.addEventListener('focusin', onFocus, true);
  return new DisposableDelegate(() => document.removeEventListener('focusin', onFocus, true));
}
