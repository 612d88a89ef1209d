"""How the documentation page looks: by day and by night, on paper and on a telephone."""

STYLE = """
:root{color-scheme:light dark;--paper:#fbfaf7;--ink:#1d2421;--soft:#56615c;--line:#dcdcd3;--panel:#f1f0ea;
--accent:#1f5c4a;--get:#1b5e8a;--post:#1f6b3a;--patch:#7a5200;--put:#7a5200;--delete:#9a2a2a}
@media (prefers-color-scheme:dark){:root{--paper:#141816;--ink:#e6e9e6;--soft:#a3ada7;--line:#2e3531;--panel:#1c211f;
--accent:#7fd1b2;--get:#7cc0ec;--post:#86d49d;--patch:#e3b968;--put:#e3b968;--delete:#f09a94}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1rem}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
a{color:var(--accent);text-underline-offset:.15em}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-999px}
.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem 1rem;z-index:1}
header{padding:2rem clamp(1rem,4vw,3rem) 1rem;border-bottom:1px solid var(--line);max-width:100%}
header p{max-width:46rem}
h1{margin:0;font-size:1.9rem;letter-spacing:-.01em}
h1 small{font-size:1rem;font-weight:400;color:var(--soft)}
.columns{display:grid;grid-template-columns:19rem minmax(0,1fr)}
nav{position:sticky;top:0;align-self:start;max-height:100vh;overflow:auto;padding:1rem 1rem 3rem clamp(1rem,4vw,3rem);
font-size:.9rem;border-right:1px solid var(--line)}
nav h2{font-size:.95rem;margin:1.2rem 0 .3rem}
nav ul{list-style:none;margin:0;padding:0}
nav li{margin:.15rem 0;display:grid;grid-template-columns:max-content 1fr;gap:.45rem;align-items:start}
nav a{text-decoration:none;color:inherit}
nav a:hover{text-decoration:underline}
main{padding:1rem clamp(1rem,4vw,3rem) 6rem;min-width:0}
section>h2{font-size:1.5rem;margin:2.5rem 0 .5rem}
article{border:1px solid var(--line);border-radius:10px;padding:1rem 1.25rem;margin:1rem 0;max-width:62rem}
article h3{margin:0 0 .4rem;font-size:1.15rem}
article h4{margin:1rem 0 .3rem;font-size:1rem}
.path{margin:.2rem 0 .6rem;overflow-wrap:anywhere}
.method{display:inline-block;min-width:3.6rem;font:600 .72rem/1.6 ui-monospace,monospace;text-align:center;
border:1px solid currentColor;border-radius:4px}
.get{color:var(--get)}.post{color:var(--post)}.patch{color:var(--patch)}.put{color:var(--put)}.delete{color:var(--delete)}
.note{color:var(--soft);font-size:.85rem}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.88em}
td code,p code{background:var(--panel);padding:.05em .3em;border-radius:4px;overflow-wrap:anywhere}
pre{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:.8rem 1rem;overflow:auto;
user-select:all}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:.6rem 0;font-size:.92rem}
caption{text-align:left;font-weight:600;padding:.3rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:500}
summary{cursor:pointer;font-weight:600;margin-top:.6rem}
@media (max-width:52rem){.columns{display:block}nav{position:static;max-height:16rem;border:0;
border-bottom:1px solid var(--line)}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{nav{display:none}.columns{display:block}article{break-inside:avoid}}
"""
