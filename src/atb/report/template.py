"""The page's HTML, for jinja2 with autoescape. Knows where things stand, not what they say."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #667; --line: #d9dde3; --back: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --soft: #99a; --line: #363b44; --back: #14171b; }
}
body { font: 15px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 820px; margin: 2.5em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin: 0; } h2 { font-size: 1.1em; margin: 2.2em 0 .4em; }
h3 { font-size: 1em; margin: 1.4em 0 .2em; } table.confusion { margin-top: 1em; }
p.soft, caption { color: var(--soft); margin: .2em 0; }
p.verdict { font-size: 1.1em; border-left: 4px solid {{ colours.model }}; padding-left: .8em; }
p.synthetic { background: #b3261e; color: #fff; padding: .6em 1em; font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
td, th { padding: .3em .6em; border-bottom: 1px solid var(--line); text-align: right; }
th { font-weight: 600; color: var(--soft); } td:nth-child(n+2) { white-space: nowrap; }
td:first-child, th:first-child { text-align: left; }
svg { width: 100%; } svg.square { width: 320px; display: block; }
svg text { font-size: 11px; fill: var(--soft); }
svg polyline { fill: none; stroke-width: 1.6; } svg .rule { stroke: var(--line); }
table.sure { margin: 1em 0 .4em; } table.sure td { text-align: left; white-space: normal; }
table.sure th { white-space: nowrap; vertical-align: top; }
i { display: inline-block; width: 1.2em; height: .2em; vertical-align: middle; }
pre { overflow-x: auto; font-size: 12px; }
"""

PAGE = (
    f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{{{ run.config.symbol }}}} {{{{ run.config.name }}}} {{{{ run.version }}}}</title>
<style>{STYLE}</style>
</head>
"""
    + """<body>
<h1>{{ run.config.symbol }} · {{ run.config.name }}</h1>
<p class="soft">{{ run.version }} · {{ data.rows }} {{ run.config.data.row }}s
from {{ data.source }}, {{ data.first }} to {{ data.last }}, {{ data.gaps }} gaps</p>
{% if run.history.synthetic %}
<p class="synthetic">SYNTHETIC DATA: a simulator made these {{ run.config.data.row }}s; they say
nothing about a market.</p>
{% endif %}
<p class="verdict">{{ run.verdict.words }}</p>

<h2>On test rows, judged once</h2>
{% for one in judgements %}
{% if judgements | length > 1 %}
<h3>{{ one.horizon }} {{ run.config.data.row }}{{ "s" if one.horizon > 1 }}
ahead{{ ", traded" if loop.first }}</h3>
<p class="soft">{{ one.words }}</p>
{% endif %}
<table>
<tr><th>metric</th><th>model</th><th>naive</th><th>naive is</th><th>difference</th>
<th>95 % interval</th></tr>
{% for row in one.metrics %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</table>
{% if one.confusion %}
<table class="confusion">
<caption>How often each class came true, and what was said</caption>
<tr>{% for cell in one.confusion[0] %}<th>{{ cell }}</th>{% endfor %}</tr>
{% for row in one.confusion[1:] %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</table>
{% endif %}
<table class="sure">
{% for name, words in one.sure %}
<tr><th>{{ name }}</th><td>{{ words }}</td></tr>
{% endfor %}
</table>
{% if one.reliability %}
<p class="soft">How often the likeliest class came true (up) beside its probability (right); a
circle's area is its share of the rows</p>
{{ one.reliability | safe }}
{% endif %}
<p class="soft">{{ one.rows }} predictions; intervals by block bootstrap, blocks of
{{ one.block }} rows.</p>
{% endfor %}

{% if tails %}
<h2>Tails</h2>
<p class="soft">{{ tails.words }}. Below is the share of outcomes below; a p-value under 0.05
rejects that as many are as promised (Kupiec), that they do not follow each other (Christoffersen),
both, or that they are no deeper than the expected shortfall says.</p>
{% for title, headings, rows in tails.tables %}
<h3>{{ title }}</h3>
<table>
<tr>{% for cell in headings %}<th>{{ cell }}</th>{% endfor %}</tr>
{% for row in rows %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</table>
{% endfor %}
{% endif %}

<h2>Backtest</h2>
<p class="soft">{{ rule }}. <i style="background: {{ colours.model }}"></i> model
<i style="background: {{ colours.naive }}"></i> {{ rival }}; {{ run.backtest.measured }}</p>
{{ curves | safe }}
<table>
<tr><th></th><th>model</th><th>{{ rival }}</th></tr>
{% for row in figures %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</table>
{% if earned %}
<table class="sure">
{% for name, words in earned %}
<tr><th>{{ name }}</th><td>{{ words }}</td></tr>
{% endfor %}
</table>
{% endif %}

<h2>Training</h2>
<p class="soft">{{ run.fitted.history | length }} epochs, the best was {{ run.fitted.best_epoch }};
{{ run.fitted.reason }}. {{ run.fitted.parameters }} weights.
<i style="background: {{ colours.model }}"></i> train
<i style="background: {{ colours.naive }}"></i> validation</p>
{{ losses | safe }}
{% for title, chart in scores %}
<p class="soft">{{ title }} on validation windows</p>
{{ chart | safe }}
{% endfor %}
<table>
<tr><th>part</th><th>windows</th><th>first</th><th>last</th></tr>
{% for row in periods %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</table>

<details><summary>The recipe</summary><pre>{{ recipe }}</pre></details>
</body>
</html>
"""
)
