"""The look of the page that shows a report."""

STYLE = """
:root{color-scheme:light dark;--back:#fafaf7;--card:#fff;--ink:#1c1f24;--dim:#616873;--rule:#e2e2dc;--kept:#9db4cd;
--masked:#d9622b;--cap:#1c1f24;--warning:#8a5a00;--info:#2b5f9e}
@media(prefers-color-scheme:dark){:root{--back:#14161a;--card:#1c1f25;--ink:#e6e7ea;--dim:#9aa1ad;--rule:#31353d;
--kept:#4d6580;--masked:#ec7f48;--cap:#e6e7ea;--warning:#e3b04b;--info:#7fb2ee}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif;
font-variant-numeric:tabular-nums}
main{max-width:64rem;margin:0 auto;padding:2rem 1rem 4rem}
h1{font-size:1.6rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.15rem;margin:2.5rem 0 .8rem}
h3{font-size:1rem;margin:0}
p{margin:.3rem 0}
code,.name{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em;overflow-wrap:anywhere}
a{color:inherit}
.dim,figcaption,small{color:var(--dim)}
.numbers{display:flex;flex-wrap:wrap;gap:.8rem 2.5rem;margin:1.5rem 0 0;padding:0}
.numbers div{display:flex;flex-direction:column-reverse}
.numbers dt{color:var(--dim)}
.numbers dd{margin:0;font-size:1.6rem;line-height:1.3;font-weight:600}
.card{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:1rem;margin:0 0 1rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem}
.cards .card{margin:0}
svg{display:block;width:100%;height:100%}
.kept{fill:var(--kept)}.masked{fill:var(--masked)}
.plot{position:relative;height:11rem;margin-top:.8rem;border-bottom:1px solid var(--dim)}
.line{position:absolute;top:0;bottom:0;border-left:1.5px dashed var(--ink)}
.line span{position:absolute;top:0;left:.4rem;white-space:nowrap;font-size:.85rem;padding:0 .25rem;border-radius:3px;
background:var(--card)}
.line.left span{left:auto;right:.4rem}
.axis{position:relative;height:1.5rem;font-size:.8rem;color:var(--dim);overflow:hidden}
.axis span{position:absolute;transform:translateX(-50%)}
figure{margin:0}figcaption{font-size:.88rem}
.key{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin-right:.3em}
.key.masked{background:var(--masked)}.key.kept{background:var(--kept)}
table{width:100%;border-collapse:collapse}
th{text-align:left;font-weight:500;color:var(--dim);font-size:.85rem;padding:.2rem .6rem .4rem 0}
td{padding:.4rem .6rem .4rem 0;border-top:1px solid var(--rule);vertical-align:middle}
td.number,th.number{text-align:right;white-space:nowrap}
td small{display:block;line-height:1.3}
.bar{position:relative;height:.8rem;min-width:7rem;border-radius:2px;background:var(--kept)}
.bar i{position:absolute;inset:0 auto 0 0;background:var(--masked);border-radius:2px 0 0 2px}
.bar b{position:absolute;top:-.2rem;bottom:-.2rem;border-left:2px solid var(--cap)}
.none .bar{opacity:.35}
td.spark{width:6.5rem;padding-right:0}.spark svg{height:1.7rem;width:6.5rem}
.said{list-style:none;margin:0;padding:0}
.said li{border-left:3px solid var(--info);padding:.1rem 0 .1rem .8rem;margin:0 0 .9rem;overflow-wrap:anywhere}
.said li.warning{border-color:var(--warning)}
.tag{font-weight:600;color:var(--info)}.warning .tag{color:var(--warning)}
details{margin:.4rem 0}summary{cursor:pointer}
dl.files{margin:.4rem 0}.files dt,.files dd{overflow-wrap:anywhere}.files dd{margin:0 0 .4rem;color:var(--dim);
font-size:.85em}
@media(max-width:700px){
thead{display:none}
table,tbody{display:block}
tr{display:grid;grid-template-columns:1fr 5.5rem;align-items:center;gap:.1rem .8rem;padding:.6rem 0;
border-top:1px solid var(--rule)}
td{border:0;padding:0}
td.name{grid-column:1/3}
td.spark{display:none}
td.masses,td.cut{font-size:.85rem;color:var(--dim)}
td.masses{text-align:left}
}
@media print{.card,tr{break-inside:avoid}}
""".strip()
