/**
 * A workflow as a picture: boxes in the file's own places, or in layers where it has none. Pure geometry, then SVG.
 */

import { el, svg } from './dom';
import { IGraphEdge, IGraphNode, IWorkflow } from './protocol';

const WIDTH = 180;
const HEIGHT = 44;
const GAP_X = 60;
const GAP_Y = 20;
const MARGIN = 12;
/** How much the file's places are drawn together, as far as its boxes then lie apart. */
const SCALES = [0.5, 0.7, 0.85, 1];
/** Nodes of a graph that are drawn; a picture of more shows nothing. */
export const MOST_NODES = 2000;
const MOST_LETTERS = 24;

export interface IPlace {
  x: number;
  y: number;
}

/** The workflow in a file's text; raises an Error that says what is wrong with it. */
export function parse(text: string): IWorkflow {
  const found = JSON.parse(text);
  const graph = found?.graph ?? found;
  if (!Array.isArray(graph?.nodes) || !Array.isArray(graph?.edges)) {
    throw new Error('it has no nodes and edges');
  }
  const isNode = (node: any) => typeof node?.id === 'string' && typeof node?.type === 'string';
  if (!graph.nodes.every(isNode)) {
    throw new Error('a node has no id or no type');
  }
  return { name: typeof found.name === 'string' ? found.name : '', graph };
}

/** Where each node's upper left corner is, by id. */
export function places(nodes: readonly IGraphNode[], edges: readonly IGraphEdge[]): Map<string, IPlace> {
  const groups = groupsOf(nodes);
  const alone = nodes.filter(node => !groups.has(node.id));
  return ownPlaces(alone, nodes) ?? layered(alone, edges);
}

/** The nodes that hold others. They are drawn around those. */
function groupsOf(nodes: readonly IGraphNode[]): Set<string> {
  return new Set(nodes.map(node => node.parent_id ?? '').filter(Boolean));
}

/** The file's own places, as near to each other as boxes allow; null where one has none, or two lie on each other. */
function ownPlaces(nodes: readonly IGraphNode[], all: readonly IGraphNode[]): Map<string, IPlace> | null {
  const byId = new Map(all.map(node => [node.id, node]));
  const found: [string, IPlace][] = [];
  for (const node of nodes) {
    const place = positionOf(node, byId);
    if (!place) {
      return null;
    }
    found.push([node.id, place]);
  }
  const left = Math.min(...found.map(([, place]) => place.x));
  const top = Math.min(...found.map(([, place]) => place.y));
  for (const scale of SCALES) {
    const at = found.map(([, { x, y }]) => ({ x: (x - left) * scale + MARGIN, y: (y - top) * scale + MARGIN }));
    if (areApart(at)) {
      return new Map(found.map(([id], number) => [id, at[number]!]));
    }
  }
  return null;
}

/** A node's place in the picture; that of a group's member is kept relative to the group. */
function positionOf(node: IGraphNode, byId: Map<string, IGraphNode>): IPlace | null {
  const place = { x: 0, y: 0 };
  const seen = new Set<string>();
  for (let at: IGraphNode | undefined = node; at && !seen.has(at.id); at = byId.get(at.parent_id ?? '')) {
    seen.add(at.id);
    const own = at.ui_properties?.position;
    if (!own || !Number.isFinite(own.x) || !Number.isFinite(own.y)) {
      return null;
    }
    place.x += own.x;
    place.y += own.y;
  }
  return place;
}

function areApart(places: readonly IPlace[]): boolean {
  const sorted = [...places].sort((one, other) => one.x - other.x);
  return sorted.every((one, number) => {
    for (const other of sorted.slice(number + 1)) {
      if (other.x >= one.x + WIDTH + MARGIN) {
        break;
      }
      if (Math.abs(other.y - one.y) < HEIGHT + MARGIN) {
        return false;
      }
    }
    return true;
  });
}

/** A column for each layer: a node stands right of all that it gets something from. */
function layered(nodes: readonly IGraphNode[], edges: readonly IGraphEdge[]): Map<string, IPlace> {
  const layers = layersOf(nodes, edges);
  const heights: number[] = [];
  const found = new Map<string, IPlace>();
  for (const node of nodes) {
    const layer = layers.get(node.id) ?? 0;
    const row = heights[layer] ?? 0;
    heights[layer] = row + 1;
    found.set(node.id, { x: MARGIN + layer * (WIDTH + GAP_X), y: MARGIN + row * (HEIGHT + GAP_Y) });
  }
  return found;
}

/** The longest way to each node, by Kahn's order; what lies on a cycle stays in the first layer. */
function layersOf(nodes: readonly IGraphNode[], edges: readonly IGraphEdge[]): Map<string, number> {
  const layers = new Map(nodes.map(node => [node.id, 0]));
  const waits = new Map(nodes.map(node => [node.id, 0]));
  const following = new Map<string, string[]>();
  for (const { source, target } of edges) {
    if (layers.has(source) && layers.has(target)) {
      waits.set(target, waits.get(target)! + 1);
      following.set(source, following.get(source) ?? []);
      following.get(source)!.push(target);
    }
  }
  const ready = nodes.filter(node => !waits.get(node.id)).map(node => node.id);
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    for (const next of following.get(id) ?? []) {
      layers.set(next, Math.max(layers.get(next)!, layers.get(id)! + 1));
      waits.set(next, waits.get(next)! - 1);
      if (!waits.get(next)) {
        ready.push(next);
      }
    }
  }
  return layers;
}

/** The picture, with a text that says the same to who can't see it. */
export function draw(workflow: IWorkflow): Element {
  const { nodes, edges } = workflow.graph;
  if (nodes.length > MOST_NODES) {
    return el('p', {}, `${nodes.length} nodes, ${edges.length} edges: too many to draw`);
  }
  const at = places(nodes, edges);
  const right = Math.max(0, ...[...at.values()].map(place => place.x)) + WIDTH + MARGIN;
  const bottom = Math.max(0, ...[...at.values()].map(place => place.y)) + HEIGHT + MARGIN;
  const lines = edges.map(edge => line(at.get(edge.source), at.get(edge.target)));
  const boxes = nodes.filter(node => at.has(node.id)).map(node => box(node, at.get(node.id)!));
  const frames = nodes.filter(node => !at.has(node.id)).map(node => frame(node, nodes, at));
  return svg(
    'svg',
    { class: 'ntl-dag', viewBox: `0 0 ${right} ${bottom}`, width: right, height: bottom, role: 'img' },
    svg('title', {}, `${workflow.name || 'workflow'}: ${nodes.length} nodes, ${edges.length} edges`),
    ...frames,
    ...lines,
    ...boxes
  );
}

function line(from: IPlace | undefined, to: IPlace | undefined): SVGElement | null {
  if (!from || !to) {
    return null;
  }
  const [x, y] = [from.x + WIDTH, from.y + HEIGHT / 2];
  const bend = Math.max(30, Math.abs(to.x - x) / 2);
  const end = to.y + HEIGHT / 2;
  return svg('path', { class: 'ntl-edge', d: `M${x},${y} C${x + bend},${y} ${to.x - bend},${end} ${to.x},${end}` });
}

function box(node: IGraphNode, place: IPlace): SVGElement {
  const type = node.type.split('.').pop() ?? node.type;
  const title = node.ui_properties?.title || type;
  return svg(
    'g',
    { class: 'ntl-node', transform: `translate(${place.x},${place.y})` },
    svg('title', {}, `${node.id}: ${node.type}`),
    svg('rect', { width: WIDTH, height: HEIGHT, rx: 5 }),
    svg('text', { x: 10, y: 18 }, short(title)),
    svg('text', { x: 10, y: 35, class: 'ntl-type' }, short(node.type))
  );
}

/** A group, around those of its members that have a place. */
function frame(group: IGraphNode, nodes: readonly IGraphNode[], at: Map<string, IPlace>): SVGElement | null {
  const inner = nodes.filter(node => node.parent_id === group.id).map(node => at.get(node.id));
  const found = inner.filter((place): place is IPlace => place !== undefined);
  if (!found.length) {
    return null;
  }
  const [left, top] = [Math.min(...found.map(place => place.x)), Math.min(...found.map(place => place.y))];
  const width = Math.max(...found.map(place => place.x)) + WIDTH - left + MARGIN;
  const height = Math.max(...found.map(place => place.y)) + HEIGHT - top + MARGIN;
  const [x, y] = [left - MARGIN / 2, top - MARGIN / 2];
  const title = svg('title', {}, group.ui_properties?.title || group.id);
  return svg('g', { class: 'ntl-group' }, title, svg('rect', { x, y, width, height, rx: 8 }));
}

function short(text: string): string {
  const letters = [...text];
  return letters.length > MOST_LETTERS ? `…${letters.slice(-MOST_LETTERS + 1).join('')}` : text;
}
