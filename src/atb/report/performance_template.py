"""The HTML of a suite's page, for jinja2 with autoescape.

Knows where things stand, not what they say.
"""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #667; --line: #d9dde3; --back: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8eb; --soft: #99a; --line: #363b44; --back: #14171b; }
}
body { font: 15px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--back);
  max-width: 1180px; margin: 2.5em auto; padding: 0 1em; }
h1 { font-size: 1.5em; margin: 0; } h2 { font-size: 1.1em; margin: 2.2em 0 .4em; }
h3 { font-size: 1em; margin: 1.4em 0 .2em; } p.soft, caption { color: var(--soft); margin: .2em 0; }
p.words { font-size: 1.1em; border-left: 4px solid #0b62c4; padding-left: .8em; }
p.synthetic, p.failed { background: #b3261e; color: #fff; padding: .6em 1em; font-weight: 600; }
div.wide { overflow-x: auto; } img { width: 100%; background: #fff; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: .3em .7em; border-bottom: 1px solid var(--line); text-align: right;
  white-space: nowrap; }
th { font-weight: 600; color: var(--soft); } tr.naive td { color: var(--soft); }
td:first-child, th:first-child { text-align: left; }
div.matrices { display: flex; flex-wrap: wrap; gap: 1.5em; }
"""

PAGE = (
    f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{{{ results.symbol }}}} {{{{ results.suite }}}}</title>
<style>{STYLE}</style>
</head>
"""
    + """<body>
<h1>{{ results.symbol }}: {{ results.models | length }} model{{ "s" if results.models | length != 1
}} on one book</h1>
<p class="soft">{{ results.suite }} · {{ facts }}</p>
{% if results.book.synthetic %}
<p class="synthetic">SYNTHETIC DATA: a simulator made this book; it says nothing about a market.</p>
{% endif %}
{% for name, failure in results.failures.items() %}
<p class="failed">{{ name }} failed: {{ failure.error }}</p>
{% endfor %}
{% for line in results.words %}
<p class="words">{{ line }}</p>
{% endfor %}

<h2>On test rows, judged once</h2>
<img alt="accuracy and macro F1 of each model by horizon" src="data:image/png;base64,{{ picture }}">
{% for metric in tables %}
<h3>{{ metric.title }}</h3>
<div class="wide"><table>
<tr><th>model</th>
{% for horizon in results.horizons %}<th>{{ horizon }} rows ahead</th>{% endfor %}</tr>
{% for row in metric.models %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
{% for row in metric.baselines %}
<tr class="naive">{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</table></div>
{% endfor %}
<p class="soft">In brackets the 95 % interval by block bootstrap. A difference within intervals is
noise.</p>

<h2>Traded at the touch</h2>
<p class="soft">Market orders that pay the spread, on the first horizon: what is left of a
trade, in ticks, with its 95 % interval where trades are enough for one.</p>
<div class="wide"><table>
<tr><th>model</th><th>trades</th><th>ticks per trade, before fees</th><th>net</th>
<th>won</th><th>following the last move, net</th></tr>
{% for row in trades %}
<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}
</table></div>

<h2>Training</h2>
<div class="wide"><table>
<tr><th>model</th><th>parameters</th><th>features</th><th>window</th><th>epochs</th><th>seconds</th>
<th>folder</th></tr>
{% for name, model in results.models.items() %}
<tr><td>{{ name }}</td><td>{{ "{:,}".format(model.parameters) }}</td><td>{{ model.features }}</td>
<td>{{ model.window }}</td><td>{{ model.epochs }}</td><td>{{ "%.1f" | format(model.seconds) }}</td>
<td>{{ model.path }}</td></tr>
{% endfor %}
</table></div>

<h2>Test rows by class</h2>
{% for name, model in results.models.items() %}
<details><summary>{{ name }}</summary><div class="matrices">
{% for horizon, judged in model.horizons.items() if judged.confusion %}
<table>
<caption>{{ horizon }} rows ahead</caption>
<tr><th></th>{% for one in judged.confusion.classes %}<th>said {{ one }}</th>{% endfor %}</tr>
{% for one in judged.confusion.classes %}
<tr><td>was {{ one }}</td>{% for count in judged.confusion.counts[loop.index0] %}
<td>{{ "{:,}".format(count) }}</td>{% endfor %}</tr>
{% endfor %}
</table>
{% endfor %}
</div></details>
{% endfor %}
</body>
</html>
"""
)
