import { draw, MOST_NODES, parse, places } from '../drawing';
import { IGraphNode } from '../protocol';

const node = (id: string, more: Partial<IGraphNode> = {}): IGraphNode => ({ id, type: 'nodetool.text.Concat', ...more });
const edge = (source: string, target: string) => ({ source, target });

describe('places', () => {
  it('puts a node right of all that it gets something from', () => {
    const at = places([node('c'), node('a'), node('b')], [edge('a', 'b'), edge('b', 'c'), edge('a', 'c')]);
    expect(at.get('a')!.x).toBeLessThan(at.get('b')!.x);
    expect(at.get('b')!.x).toBeLessThan(at.get('c')!.x);
  });

  it('keeps the places of the file', () => {
    const at = places(
      [node('a', { ui_properties: { position: { x: -50, y: 0 } } }), node('b', { ui_properties: { position: { x: 250, y: 0 } } })],
      []
    );
    expect(at.get('b')!.x - at.get('a')!.x).toBe(210);
  });

  it('knows that members of a group are placed in it, and draws it around them', () => {
    const placed = (x: number, y: number, more = {}) => ({ ui_properties: { position: { x, y } }, ...more });
    const nodes = [
      node('g', placed(1000, 0)),
      node('a', placed(0, 0, { parent_id: 'g' })),
      node('b', placed(0, 200, { parent_id: 'g' })),
      node('c', placed(0, 0))
    ];
    const at = places(nodes, []);
    expect([at.get('a')!.x - at.get('c')!.x, at.has('g')]).toEqual([500, false]);
    const picture = draw({ graph: { nodes, edges: [] } });
    expect(picture.querySelectorAll('.ntl-group').length).toBe(1);
    expect(picture.querySelectorAll('.ntl-node').length).toBe(3);
  });

  it('has its own places where two of the file lie on each other', () => {
    const at = places([node('a', { ui_properties: { position: { x: 5, y: 5 } } }), node('b', { ui_properties: { position: { x: 6, y: 5 } } })], []);
    expect(at.get('a')!.y).not.toBe(at.get('b')!.y);
  });

  it('ends also with a cycle, and with edges that lead nowhere', () => {
    expect(places([node('a'), node('b')], [edge('a', 'b'), edge('b', 'a'), edge('a', 'z')]).size).toBe(2);
  });
});

describe('draw', () => {
  it('has all names as text', () => {
    const hostile = '<img src=x onerror=alert(1)>';
    const picture = draw({ name: hostile, graph: { nodes: [node(hostile, { ui_properties: { title: hostile } })], edges: [] } });
    expect(picture.querySelector('img')).toBeNull();
    expect(picture.textContent).toContain(hostile);
  });

  it('draws a box a node and a line an edge', () => {
    const picture = draw({ graph: { nodes: [node('a'), node('b')], edges: [edge('a', 'b'), edge('a', 'gone')] } });
    expect([picture.querySelectorAll('rect').length, picture.querySelectorAll('path').length]).toEqual([2, 1]);
  });

  it('says so where there is too much to draw', () => {
    const nodes = Array.from({ length: MOST_NODES + 1 }, (_, at) => node(String(at)));
    expect(draw({ graph: { nodes, edges: [] } }).textContent).toContain('too many to draw');
  });
});

describe('parse', () => {
  it('takes a workflow and a bare graph', () => {
    const graph = { nodes: [{ id: 'a', type: 't' }], edges: [] };
    expect(parse(JSON.stringify({ name: 'w', graph }))).toEqual({ name: 'w', graph });
    expect(parse(JSON.stringify(graph))).toEqual({ name: '', graph });
  });

  it.each(['{', '[]', 'null', '{"nodes": 1}', '{"nodes": [{"id": 1}], "edges": []}'])('refuses %s', text => {
    expect(() => parse(text)).toThrow();
  });
});
