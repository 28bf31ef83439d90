"""The summary of a model as an HTML table."""

import html

from cthulhu.utils.layer_utils import print_summary, summary_rows, summary_totals
from cthulhu.utils.notebook import Place, Shown

# Notebooks have styles of their own for tables, with more weight.
_STYLE = """
.cth-summary{font:12px/1.4 system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:inherit;max-width:100%;max-height:680px;overflow:auto}
.cth-summary table{border-collapse:collapse!important;margin:.3em 0!important;font:inherit!important;color:inherit!important}
.cth-summary th,.cth-summary td{text-align:left!important;vertical-align:top!important;padding:.25em .9em!important;border:0!important;
border-bottom:1px solid rgba(128,128,128,.3)!important;background:none!important;color:inherit!important;white-space:nowrap}
.cth-summary th{border-bottom:2px solid rgba(128,128,128,.6)!important}
.cth-summary .cth-number{text-align:right!important;font-variant-numeric:tabular-nums}
.cth-summary tfoot td{border-bottom:0!important}
""".replace('\n', '')


def summary_html(model, expand_nested=False):
    """The table that `summary` prints, as HTML: one element that brings its style along.

    Arguments:
        model: a built model.
        expand_nested: whether the layers of models inside the model are listed too.
    """
    header, rows = summary_rows(model, expand_nested)
    parts = [
        f'<div class="cth-summary"><style>{_STYLE}</style><div>Model: <b>{html.escape(model.name)}</b></div><table><thead>',
        _row('th', header),
        '</thead><tbody>',
    ]
    parts.extend(_row('td', row) for row in rows)
    parts.append('</tbody><tfoot>')
    parts.extend(
        _row('td', [what, '', f'{count:,}'] + [''] * (len(header) - 3)) for what, count in summary_totals(model)
    )
    parts.append('</tfoot></table></div>')
    return ''.join(parts)


def show_summary(model, expand_nested=False):
    """Show the table in a notebook; the text of the summary stands for it where a table cannot be shown."""
    lines = []
    print_summary(model, print_fn=lines.append, expand_nested=expand_nested)
    Place().show(Shown(summary_html(model, expand_nested), '\n'.join(lines)))


def _row(tag, cells):
    cells = [html.escape(str(cell)).replace('  ', '&emsp;').replace('\n', '<br>') for cell in cells]
    kinds = [' class="cth-number"' if index == 2 else '' for index in range(len(cells))]
    return '<tr>' + ''.join(f'<{tag}{kind}>{cell}</{tag}>' for kind, cell in zip(kinds, cells)) + '</tr>'
