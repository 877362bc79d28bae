"""The look of a job: one style sheet, on the colors of JupyterLab or VS Code, elsewhere on its own.

Where the page has no theme (GitHub, nbconvert, a mail) the browser's own light or dark preference decides;
the card brings its background, so that its text can be read on any page.
"""

from __future__ import annotations

from nodetool_jupyter.views.markup import Html, raw

_COLORS = {
    # name: theme variables in order, then the light and the dark color of our own
    "bg": (("jp-layout-color1", "vscode-editor-background"), "#ffffff", "#14181f"),
    "fg": (("jp-ui-font-color1", "vscode-editor-foreground"), "#1f2328", "#e6e9ee"),
    "soft": (("jp-ui-font-color2", "vscode-descriptionForeground"), "#5c6570", "#9aa4b2"),
    "line": (("jp-border-color2", "vscode-panel-border"), "#d8dde3", "#333b47"),
    "fill": (("jp-layout-color2", "vscode-editorWidget-background"), "#f1f3f5", "#20262f"),
    "ok": (("jp-success-color1", "vscode-testing-iconPassed"), "#1a7f37", "#45b65c"),
    "bad": (("jp-error-color1", "vscode-errorForeground"), "#c8222c", "#f4645d"),
    "run": (("jp-brand-color1", "vscode-progressBar-background"), "#0b63c5", "#5aa2f5"),
    "warn": (("jp-warn-color1", "vscode-editorWarning-foreground"), "#935b00", "#d9a133"),
}

_CARD = """
.ntj{background:var(--ntj-bg);color:var(--ntj-fg);font-family:var(--jp-ui-font-family,system-ui,
-apple-system,"Segoe UI",sans-serif);font-size:13px;line-height:1.45;max-width:1100px;text-align:left}
.ntj-card{border:1px solid var(--ntj-line);border-radius:8px;padding:12px 14px;margin:2px 0;
box-sizing:border-box}.ntj *{box-sizing:border-box}.ntj bdi{unicode-bidi:isolate}.ntj-head{line-height:24px}
.ntj-title{font-weight:600;font-size:14px;overflow-wrap:anywhere;margin-right:6px}.ntj-meta{color:var(--ntj-soft);font-size:12px;font-variant-numeric:tabular-nums}
.ntj-chip{--c:var(--ntj-soft);color:var(--c);font-weight:600;font-size:12px;white-space:nowrap;
line-height:18px;display:inline-block;padding:0 9px;margin-right:6px;border-radius:10px;
border:1px solid var(--c)}
.ntj-completed{--c:var(--ntj-ok)}.ntj-error,.ntj-failed{--c:var(--ntj-bad)}
.ntj-running{--c:var(--ntj-run)}.ntj-cancelled,.ntj-suspended,.ntj-warning{--c:var(--ntj-warn)}
.ntj-chip.ntj-completed,.ntj-chip.ntj-failed,.ntj-chip.ntj-running,.ntj-chip.ntj-cancelled,
.ntj-chip.ntj-suspended{color:var(--c);color:color-mix(in srgb,var(--c) 70%,var(--ntj-fg))}
.ntj-sign{font-weight:700;text-align:center;color:var(--c,var(--ntj-soft));
color:color-mix(in srgb,var(--c,var(--ntj-soft)) 70%,var(--ntj-fg))}
.ntj-dag[hidden]{display:block;overflow:auto;
max-height:460px;margin:10px 0 2px;padding:0}.ntj-dag svg{display:block;max-width:100%;height:auto}
.ntj-zoom[hidden]{display:block}.ntj-map svg{max-height:440px}
.ntj-zoom[open]+.ntj-map,.ntj-zoom[open]+.ntj-map svg{max-width:none;max-height:none}
.ntj-map .ntj-tint{fill-opacity:.2}.ntj-map .ntj-running .ntj-tint{fill-opacity:.35;stroke-width:4}
.ntj-map .ntj-error .ntj-tint{fill-opacity:.5;stroke-width:5}
.ntj-node{--c:var(--ntj-soft)}.ntj-node.ntj-completed{--c:var(--ntj-ok)}
.ntj-node.ntj-error{--c:var(--ntj-bad)}.ntj-node.ntj-running{--c:var(--ntj-run)}.ntj-node.ntj-cancelled,
.ntj-node.ntj-suspended{--c:var(--ntj-warn)}.ntj-box{fill:var(--ntj-bg);stroke:var(--ntj-line);
stroke-width:1}.ntj-tint{fill:var(--c);fill-opacity:.07;stroke:var(--c);stroke-opacity:.65;stroke-width:1}
.ntj-waiting .ntj-tint,.ntj-skipped .ntj-tint{fill-opacity:0;stroke-opacity:.45}
.ntj-skipped .ntj-tint{stroke-dasharray:4 3}.ntj-running .ntj-tint,.ntj-error .ntj-tint{stroke-width:2;
stroke-opacity:1}.ntj-mark{fill:var(--c);fill:color-mix(in srgb,var(--c) 70%,var(--ntj-fg));
font:700 13px system-ui,sans-serif}.ntj-label{fill:var(--ntj-fg);font-size:12px;unicode-bidi:isolate}
.ntj-waiting .ntj-label,.ntj-skipped .ntj-label{fill:var(--ntj-soft)}
.ntj-edge{fill:none;stroke:var(--ntj-soft);stroke-opacity:.35;stroke-width:1.25}
.ntj-used{stroke-opacity:.8}.ntj-control{stroke-dasharray:5 4}.ntj-count{fill:var(--ntj-soft);
font-size:10px;font-variant-numeric:tabular-nums;stroke:var(--ntj-bg);stroke-width:3px;paint-order:stroke}
.ntj-fault{border-left:3px solid var(--ntj-bad);padding:2px 0 2px 10px;margin:10px 0 2px;
overflow-wrap:anywhere;white-space:pre-wrap}.ntj-fault .ntj-hint{color:var(--ntj-soft)}
.ntj dl.ntj-outputs{display:grid;grid-template-columns:max-content 1fr;gap:2px 12px;margin:10px 0 2px}
.ntj .ntj-outputs dt{color:var(--ntj-soft);
margin:0;font-weight:400;float:none;width:auto}.ntj .ntj-outputs dd{margin:0;overflow-wrap:anywhere;
font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:12px}.ntj details{margin:6px 0 0}
.ntj summary{cursor:pointer;color:var(--ntj-soft);font-size:12px;overflow-wrap:anywhere}
.ntj summary:hover{color:var(--ntj-fg)}
.ntj :focus-visible{outline:2px solid var(--ntj-run);outline-offset:2px;border-radius:3px}
.ntj-scroll{overflow:auto;max-width:100%}.ntj table.ntj-table{border-collapse:collapse;border:0;
margin:4px 0;font-size:12px;table-layout:auto;color:inherit;width:auto}.ntj .ntj-table th,
.ntj .ntj-table td{padding:2px 12px 2px 0;text-align:left;border:0;background:none;max-width:420px;
overflow-wrap:break-word;vertical-align:top;white-space:normal}.ntj table.ntj-table tbody tr{background:none}
.ntj .ntj-table thead th{color:var(--ntj-soft);font-weight:600;border-bottom:1px solid var(--ntj-line)}
.ntj pre.ntj-pre,.ntj pre.ntj-log{font-family:var(--jp-code-font-family,ui-monospace,monospace);
font-size:12px;line-height:1.4;background:var(--ntj-fill);color:inherit;border:0;border-radius:4px;
padding:6px 10px;margin:4px 0;max-height:260px;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
.ntj-log b{color:var(--c);font-weight:600}
.ntj img.ntj-image{width:auto;height:auto;max-width:100%;max-height:360px;
display:block;margin:4px 0;border-radius:4px;outline:1px solid var(--ntj-line)}.ntj-preview{margin:8px 0 0}
"""

_LIVE = """
.ntj-live{position:relative;margin-right:20px}.ntj-live>.widget-html:has(>.widget-html-content>.ntj-head),
.ntj-live>.widget-html>.widget-html-content:has(>.ntj-head){display:contents}
.ntj-live .ntj-head::before{content:"";float:right;width:110px;height:26px}
.ntj-live .ntj-rows{order:1}.ntj-live>.ntj-values{order:2}
.ntj-live>.ntj-fold,.ntj-live>.ntj-pane,.ntj-live>.ntj-find{order:3}
.ntj-live>.ntj-find{align-self:flex-end;margin:2px 0 -24px;z-index:1}
.ntj-live>.ntj-find input{height:22px;font-size:12px}
.ntj-live:not(:has(details[open]))>.ntj-find{visibility:hidden}.ntj-live>.widget-html{margin:0}
.ntj-live>.ntj-spoken{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.ntj-live>.ntj-graph{overflow:auto;max-height:460px}
.ntj-live>.ntj-opener:has(details[open])+.ntj-graph{max-height:none}
.ntj-live>.ntj-opener:has(details[open])+.ntj-graph .ntj-map svg{max-width:none;max-height:none}
.ntj-live .ntj-dag[hidden]{overflow:visible;max-height:none}
.ntj-live>.ntj-pane{display:none;flex-direction:column-reverse;max-height:260px;overflow:auto;
background:var(--ntj-fill);border-radius:4px}.ntj-live>.ntj-pane pre.ntj-log{margin:0;max-height:none;
overflow:visible}.ntj-live>.ntj-fold:has(details[open])+.ntj-pane{display:flex}
@supports not selector(:has(*)){.ntj-live>.ntj-pane{display:flex}}
.ntj-live .ntj-cancel{position:absolute;top:8px;right:12px;width:auto;margin:0}
.ntj-live .ntj-cancel:not(.ntj-deaf)::before{content:"■";content:"■" / "";margin-right:6px}
.ntj-by-server,[data-nodetool] .ntj-live .ntj-deaf{display:none}
[data-nodetool] .ntj-live .ntj-by-server{display:inline-block}
.ntj-live .ntj-cancel.ntj-deaf{background:none;border:0;box-shadow:none;opacity:1;cursor:default;
color:var(--ntj-soft);font-size:12px;padding:0}
.ntj .widget-html-content{line-height:1.45;font-size:13px}
.ntj-bar{display:block;height:6px;border-radius:3px;background:var(--ntj-fill);overflow:hidden;
position:relative}.ntj-bar>span{display:block;height:100%;border-radius:3px;background:var(--c,
var(--ntj-run))}.ntj-bar.ntj-busy>span{width:30%;
animation:ntj-slide 1.4s ease-in-out infinite alternate}.ntj-overall{margin:8px 0 2px}
.ntj-rows{display:grid;gap:6px;margin:8px 0 0}.ntj-row{display:grid;
grid-template-columns:16px minmax(60px,200px) minmax(50px,240px) 1fr;
align-items:center;gap:0 10px}.ntj-row>.ntj-meta{white-space:nowrap}
.ntj-row>.ntj-name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.ntj-row>.ntj-wide{grid-column:2/-1;overflow-wrap:anywhere;white-space:pre-wrap}
.ntj-chunk{color:var(--ntj-soft);max-height:5.8em;overflow:hidden;display:flex;flex-direction:column;
justify-content:flex-end}.ntj-running .ntj-tint{animation:ntj-pulse 1.2s ease-in-out infinite alternate}
@keyframes ntj-pulse{to{stroke-opacity:.35}}@keyframes ntj-slide{from{margin-left:0}to{margin-left:70%}}
.ntj-live.jupyter-widgets-disconnected *{animation:none!important}
.ntj-live.jupyter-widgets-disconnected::before,
.ntj-live .jupyter-widgets-disconnected::before{content:none!important}
.ntj-live.jupyter-widgets-disconnected .ntj-cancel{display:none}
.ntj-live.jupyter-widgets-disconnected::after{
content:"The kernel is gone. %nodetool attach shows how the job ended.";order:-1;color:var(--ntj-warn);
font-weight:600}
@media (prefers-reduced-motion:reduce){.ntj *{animation:none!important}.ntj-bar.ntj-busy>span{width:100%;
opacity:.4}}
@media (forced-colors:active){.ntj-bar{border:1px solid}.ntj-bar>span{background:Highlight}}
"""


def _variables(shade: int) -> str:
    pairs = []
    for name, (themes, *colors) in _COLORS.items():
        value = colors[shade]
        for theme in reversed(themes):
            value = f"var(--{theme},{value})"
        pairs.append(f"--ntj-{name}:{value}")
    return ";".join(pairs)


def _colors() -> str:
    return f".ntj{{{_variables(0)}}}\n@media (prefers-color-scheme:dark){{.ntj{{{_variables(1)}}}}}"


STYLE: Html = raw(f"<style>{_colors()}{_CARD}</style>")
"""For the card that stays."""
LIVE_STYLE: Html = raw(f"<style>{_colors()}{_CARD}{_LIVE}</style>")
"""For what moves, too."""
