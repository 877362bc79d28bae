import { LabIcon } from '@jupyterlab/ui-components';

/** Three nodes, two of which feed the third. */
export const icon = new LabIcon({
  name: 'nodetool-jupyter:jobs',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <path d="M7 7.2l8 3.4-.8 1.9-8-3.4zM6.2 14.9l8-3.4.8 1.9-8 3.4z"/>
    <circle cx="6" cy="6.5" r="3.2"/><circle cx="6" cy="17.5" r="3.2"/><circle cx="17.5" cy="12" r="3.8"/>
  </g></svg>`
});
