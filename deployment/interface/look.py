"""One look for all pages."""

import gradio as gr

THEME = gr.themes.Default(primary_hue="blue", neutral_hue="slate", radius_size="sm", font=("system-ui", "sans-serif"))

CSS = """
.gradio-container { width: 100%; max-width: 1160px !important; margin: auto !important; }
#runs .cell-wrap, #side .cell-wrap, #runs [role=gridcell], #side [role=gridcell] { font-size: 0.85rem; }
footer { display: none !important; }
"""
